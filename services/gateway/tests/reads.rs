//! What all reads share: `HEAD`, and telling a caller that it has the answer already.

use crate::support::Gateway;
use gateway::key::Level;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn head_says_what_get_says_without_the_body() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let unknown = "/v1/workflows/workflow-1";
    for (path, status) in
        [("/v1/workflows", 200), ("/v1/openapi.json", 200), ("/docs/", 200), (unknown, 404), ("/v1/x", 404)]
    {
        let read = api.get(path).await;
        let head = api.send(api.request(Method::HEAD, path)).await;
        assert_eq!((read.status, head.status), (status, status), "{path}");
        assert_eq!(head.header("etag"), read.header("etag"), "{path}");
        assert_eq!(head.header("content-type"), read.header("content-type"), "{path}");
        if status == 200 {
            // A refusal has the id of its request in it, which is another one each time.
            assert_eq!(head.header("content-length"), read.text.len().to_string(), "{path}");
        }
    }
    let head = api.send(api.request(Method::HEAD, "/v1/messages")).await;
    assert_eq!((head.status, head.header("allow")), (405, "POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_counts_as_the_read_that_it_is() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    for left in ["999", "998"] {
        let head = api.send(api.request(Method::HEAD, "/v1/workflows")).await;
        assert_eq!(head.header("x-ratelimit-remaining"), left);
    }
    assert_eq!(
        api.with_key("").send(api.with_key("").request(Method::HEAD, "/v1/workflows")).await.status,
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_follows_the_head_on_the_connection_but_the_next_answer() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (_, key) = gateway.key(Level::ReadOnly).await;
    let address = gateway.base.trim_start_matches("http://");
    let request = |method: &str, end: &str| {
        let key = key.expose();
        format!("{method} /v1/workflows HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{end}\r\n")
    };
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request("HEAD", "").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    connection.write_all(request("GET", "connection: close\r\n").as_bytes()).await.unwrap();
    let mut next = String::new();
    connection.read_to_string(&mut next).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(next.starts_with("HTTP/1.1 200 OK\r\n"), "{next}");
    let body = next.split("\r\n\r\n").nth(1).unwrap_or_default();
    let length = format!("content-length: {}\r\n", body.len());
    assert!(String::from_utf8_lossy(&head).contains(&length) && next.contains(&length), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_has_the_answer_already_is_told_so() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let path = "/v1/workflows?limit=5";
    let first = api.get(path).await;
    let etag = first.header("etag");
    assert!(etag.starts_with("W/\""), "{etag}");
    for method in [Method::GET, Method::HEAD] {
        let again = api.send(api.request(method, path).header("if-none-match", etag)).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        assert_eq!(again.header("etag"), etag);
        assert!(
            !again.header("x-request-id").is_empty() && !again.header("x-ratelimit-remaining").is_empty()
        );
    }
    let other = api.request(Method::GET, "/v1/workflows?limit=6").header("if-none-match", etag);
    assert_eq!(api.send(other).await.status, 200);
    let refused = api.request(Method::GET, "/v1/workflows?limit=0").header("if-none-match", "*");
    assert_eq!(api.send(refused).await.status, 400);
}
