//! Heads that are too large, and heads that do not come.

use super::raw::{Raw, get};
use crate::support::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused() {
    let gateway = Gateway::start().await;
    let many = "X: a\r\n".repeat(10_000);
    let large = format!("X: {}\r\n", "a".repeat(100_000));
    let long = "a".repeat(9_000);
    for (head, status, code) in [
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431, "HEADERS_TOO_LARGE"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{large}\r\n"), 431, "HEADERS_TOO_LARGE"),
        (get(&format!("/{long}")), 414, "URI_TOO_LONG"),
        (get(&format!("/v1/workflows?search={long}")), 414, "URI_TOO_LONG"),
        (format!("{long} / HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "URI_TOO_LONG"),
    ] {
        let mut raw = Raw::to(&gateway).await;
        raw.send(&head).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{head:.80}");
        assert!(raw.is_over().await, "{head:.80}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_is_sent_away_without_a_word() {
    let gateway = Gateway::start().await;
    assert!(Raw::to(&gateway).await.is_over().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_ended_be_it_the_first_of_its_connection_or_another() {
    let gateway = Gateway::start().await;
    for before in [0, 1] {
        let mut raw = Raw::to(&gateway).await;
        for _ in 0..before {
            raw.send(get("/v1/openapi.json")).await;
            assert_eq!(raw.answer().await.unwrap().status, 200);
        }
        raw.send("GET / HTTP/1.1\r\nX: ").await;
        raw.drip(std::iter::repeat_n("a", 200)).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (408, "REQUEST_TIMEOUT"));
        assert!(raw.is_over().await);
    }
}
