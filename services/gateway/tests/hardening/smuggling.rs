//! Requests that two readers could understand differently are refused, and nothing behind them is read.

use gateway::key::Level;

use super::raw::{Raw, get};
use crate::support::Gateway;

/// What must never be taken for a request of its own.
const SMUGGLED: &str = "GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";

/// Heads of a POST, each with the line that makes it ambiguous, and the bytes behind it.
const AMBIGUOUS: &[(&str, &str)] = &[
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
    ("Content-Length: 0\r\nContent-Length: 44", ""),
    ("Content-Length: 3\r\nContent-Length: 3", "abc"),
    ("Content-Length: 3, 3", "abc"),
    ("Content-Length: +3", "abc"),
    ("Content-Length: -1", ""),
    ("Content-Length: 0x3", "abc"),
    ("Content-Length: 18446744073709551617", "a"),
    ("Content-Length : 3", "abc"),
    ("Content-Length\t: 3", "abc"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
    ("Transfer-Encoding: identity", ""),
    ("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    ("Transfer-Encoding: 'chunked'", "0\r\n\r\n"),
    ("Transfer-Encoding:\x0bchunked", "0\r\n\r\n"),
    ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    (" Transfer-Encoding: chunked", "0\r\n\r\n"),
    ("X: a\r\n Transfer-Encoding: chunked", "0\r\n\r\n"),
    ("X: a\r\n\tb", ""),
    ("X: a\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("X: a\rTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("X: a\0b", ""),
    ("Host: b", ""),
    ("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3", "abc"),
];

/// Request lines and hosts.
const CROOKED: &[(&str, &str)] = &[
    ("GET http://b/ HTTP/1.1", "Host: a"),
    ("GET http://a@b/ HTTP/1.1", "Host: a"),
    ("GET gopher://a/ HTTP/1.1", "Host: a"),
    ("CONNECT a:80 HTTP/1.1", "Host: a:80"),
    ("GET / HTTP/1.1", "X: no host"),
    ("GET / HTTP/1.1", "Host: a/../b"),
    ("GET / HTTP/1.1", "Host: a, b"),
    ("GET / HTTP/1.1", "Host: a b"),
    ("GET / HTTP/2.0", "Host: a"),
    ("GET / HTTP/1.1 ", "Host: a"),
    ("GET /", "Host: a"),
    ("REFUSED / HTTP/1.1", "Host: a"),
    ("POST / HTTP/1.0", "Transfer-Encoding: chunked"),
    ("PRI * HTTP/2.0", ""),
    ("\x16\x03\x01\x02", ""),
];

/// Chunked bodies.
const LOOSE: &[&str] = &[
    "1 \r\na\r\n0\r\n\r\n",
    " 1\r\na\r\n0\r\n\r\n",
    "0x1\r\na\r\n0\r\n\r\n",
    "1\na\r\n0\r\n\r\n",
    "1\r\na\n0\r\n\r\n",
    "1\r\nab\r\n0\r\n\r\n",
    "1;a\n\r\na\r\n0\r\n\r\n",
    "1;a\rb\r\na\r\n0\r\n\r\n",
    "fffffffffffffffff\r\na",
    "0\r\n\n",
    "0\r\nX: a\n\r\n",
    "0\r\nX: a\rb\r\n\r\n",
];

async fn is_refused(gateway: &Gateway, sent: &str) {
    let mut raw = Raw::to(gateway).await;
    raw.send(format!("{sent}{SMUGGLED}")).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"), "{sent:?}");
    assert_eq!(answer.header("connection"), "close", "{sent:?}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{sent:?}");
    assert!(raw.is_over().await, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_ambiguous_is_refused_and_ends_the_connection() {
    let gateway = Gateway::start().await;
    for (line, body) in AMBIGUOUS {
        is_refused(&gateway, &format!("POST /v1/messages HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n{body}")).await;
    }
    for (line, host) in CROOKED {
        is_refused(&gateway, &format!("{line}\r\n{host}\r\n\r\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_chunks_are_framed_loosely_is_refused_and_ends_the_connection() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.key(Level::FullAccess).await;
    let extension = format!("1;{}\r\na\r\n0\r\n\r\n", "a".repeat(2000));
    let trailer = format!("0\r\nX: {}\r\n\r\n", "a".repeat(5000));
    for body in LOOSE.iter().copied().chain([extension.as_str(), &trailer]) {
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
            key.expose()
        );
        let mut raw = Raw::to(&gateway).await;
        raw.send(format!("{head}{body}{SMUGGLED}")).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"), "{body:?}");
        assert!(raw.is_over().await, "{body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_before_is_answered_before() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::to(&gateway).await;
    raw.send(format!("{}GET / HTTP/1.1\nHost: a\n\n{SMUGGLED}", get("/v1/openapi.json"))).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    assert_eq!(raw.answer().await.unwrap().status, 400);
    assert!(raw.is_over().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unusual_but_plain_is_served() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.key(Level::FullAccess).await;
    let mut raw = Raw::to(&gateway).await;
    let message = r#"{"customer_id":"a","channel":"web","message":"x"}"#;
    let (one, two) = message.split_at(10);
    let chunked = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: a\r\nAUTHORIZATION: bearer {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: Chunked\r\n\r\n{:X};name=\"value\"\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\nX: a\r\n\r\n",
        key.expose(),
        one.len(),
        two.len()
    );
    for (sent, status) in [
        (format!("\r\n{}", get("/v1/openapi.json")), 200),
        ("GET http://A/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 200),
        ("GET /v1/openapi.json HTTP/1.1\r\nHost: [::1]:80\r\nUpgrade: h2c\r\n\r\n".to_owned(), 200),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 404),
        (chunked, 202),
    ] {
        assert!(raw.send(&sent).await);
        assert_eq!(raw.answer().await.unwrap().status, status, "{sent}");
    }
    // Its answer is the last one.
    raw.send("GET /v1/openapi.json HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    assert!(raw.is_over().await);
}
