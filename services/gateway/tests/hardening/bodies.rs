//! Bodies that are too large, packed, or do not come.

use gateway::key::{ApiKey, Level};

use super::raw::{Raw, resident};
use crate::support::Gateway;

/// Memory that an attack may cost, bytes.
const MEMORY_MAX: u64 = 32 << 20;

fn head(key: Option<&ApiKey>, more: &str) -> String {
    let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {}\r\n", key.expose()));
    format!("POST /v1/messages HTTP/1.1\r\nHost: a\r\n{key}Content-Type: application/json\r\n{more}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_gigabytes_in_chunks_are_refused_at_the_limit_and_not_read() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.key(Level::FullAccess).await;
    let chunk = [&b"10000\r\n"[..], &vec![b' '; 0x10000], b"\r\n"].concat();
    let before = resident();
    // Whoever may call is told so; who may not has no more of it.
    for (key, status) in [(Some(&key), 413), (None, 401)] {
        let mut raw = Raw::to(&gateway).await;
        raw.send(head(key, "Transfer-Encoding: chunked")).await;
        let mut sent = 0_u64;
        while sent < 10 << 30 && raw.send(&chunk).await {
            sent += chunk.len() as u64;
        }
        assert!(sent < 64 << 20, "{sent} bytes were taken");
        assert_eq!(raw.answer().await.unwrap().status, status);
        assert!(raw.is_over().await);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown <= MEMORY_MAX, "{grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_that_it_is_too_large_is_not_waited_for() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.key(Level::FullAccess).await;
    for more in ["Content-Length: 10737418240", "Content-Length: 10737418240\r\nIdempotency-Key: a"] {
        let mut raw = Raw::to(&gateway).await;
        raw.send(head(Some(&key), more)).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
        assert!(raw.is_over().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_packed_is_not_unpacked() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.key(Level::FullAccess).await;
    let before = resident();
    for packing in ["gzip", "br", "deflate", "zstd", "identity, gzip", "GZIP"] {
        let mut raw = Raw::to(&gateway).await;
        let more = format!("Content-Encoding: {packing}\r\nContent-Length: 4");
        raw.send(head(Some(&key), &more)).await;
        raw.send(b"\x1f\x8b\x08\0").await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"), "{packing}");
        assert_eq!(answer.header("accept-encoding"), "identity", "{packing}");
    }
    assert!(resident().saturating_sub(before) <= MEMORY_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_ended() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.key(Level::FullAccess).await;
    let dripping = [
        // Whoever may call is told that it was too slow.
        (Some(&key), "Content-Length: 1000", " ", 408),
        (Some(&key), "Transfer-Encoding: chunked", "1\r\n \r\n", 408),
        (Some(&key), "Transfer-Encoding: chunked\r\nIdempotency-Key: a", "1\r\n \r\n", 408),
        // Who may not was answered long before, and does not keep the connection for it.
        (None, "Transfer-Encoding: chunked", "1\r\n \r\n", 401),
        (None, "Content-Length: 1000", " ", 401),
    ];
    let all = dripping.map(|(key, more, drop, status)| {
        let gateway = &gateway;
        async move {
            let mut raw = Raw::to(gateway).await;
            raw.send(head(key, more)).await;
            raw.drip(std::iter::repeat_n(drop, 200)).await;
            assert_eq!(raw.answer().await.unwrap().status, status, "{more}");
            assert!(raw.is_over().await, "{more}");
        }
    });
    futures::future::join_all(all).await;
}
