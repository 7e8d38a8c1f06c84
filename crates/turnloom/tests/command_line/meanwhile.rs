//! Somebody else changes a workflow between what `workflows apply` shows and what it does.

use serde_json::{Value, json};
use testkit::{Api, workflows};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{against, end};
use crate::support::Product;

/// Hands each request on to the product, and before one with this beginning the change is made.
async fn meddler(api: Api, before: &'static str, path: String, change: Value) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let request = read_request(&mut client).await;
            if request.starts_with(before) {
                api.put(&path, &change).await.expect(200);
            }
            let mut product = TcpStream::connect(api.base().trim_start_matches("http://")).await.unwrap();
            // One request for each connection, so that the answer ends with it.
            let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            product.write_all(request.as_bytes()).await.unwrap();
            tokio::io::copy(&mut product, &mut client).await.unwrap();
        }
    });
    address
}

async fn read_request(client: &mut TcpStream) -> String {
    let mut read = String::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = client.read(&mut buffer).await.unwrap();
        read.push_str(std::str::from_utf8(buffer.get(..count).unwrap()).unwrap());
        let Some((head, body)) = read.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return read;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_never_shown_is_not_overwritten() {
    let mut product = Product::start().await;
    let mut greet = workflows::greet("Greet", "hello");
    let path = format!("/v1/workflows/{}", product.api.create(&greet).await);
    let change = json!({"description": "by somebody else"});
    let address = meddler(product.api.clone(), "PUT ", path.clone(), change).await;

    greet["description"] = json!("mine");
    let mut command = against(&product, &["workflows", "apply", "-f", "-", "--yes"]);
    command.env("TURNLOOM_URL", address);
    let refused = end(command, &greet.to_string()).complaint(1);
    assert!(refused.contains("Greet: somebody else changed it meanwhile, and that was kept"), "{refused}");
    let stored = product.api.get(&path).await.expect(200);
    assert_eq!(stored["data"]["description"], "by somebody else");
    product.stop().await;
}
