//! How much a key may ask for.

mod support;

use gateway::key::{ApiKey, Level};
use support::Gateway;
use testkit::Api;

/// Far more tries than an address has in the time that they take.
const TRIES_MAX: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_over_its_limit_is_refused_and_told_when_to_come_again() {
    let gateway = Gateway::start().await.with_catalog().await;
    let api = gateway.key(Level::FullAccess).await.0;
    let path = "/v1/workflows/workflow-00000000-0000-7000-8000-000000000000";
    for used in 1..=50 {
        let answer = api.delete(path).await;
        assert_ne!(answer.status, 429);
        assert_eq!(answer.header("x-ratelimit-limit"), "50");
        assert_eq!(answer.header("x-ratelimit-remaining"), (50 - used).to_string());
        assert_eq!(answer.header("ratelimit-policy"), "\"delete\";q=50;w=3600");
        assert!(answer.header("ratelimit").starts_with(&format!("\"delete\";r={};t=", 50 - used)));
    }
    let refused = api.delete(path).await;
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((3500..=3615).contains(&seconds), "{seconds}");
    let body = refused.expect(429);
    assert_eq!(body.pointer("/error/code").unwrap(), "RATE_LIMIT_EXCEEDED");
    // Other classes, and other keys, have limits of their own.
    assert_ne!(api.get("/v1/workflows").await.status, 429);
    assert_ne!(gateway.key(Level::FullAccess).await.0.delete(path).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_or_malformed_counts_too() {
    let gateway = Gateway::start().await.with_catalog().await;
    let api = gateway.key(Level::ReadOnly).await.0;
    for _ in 0..50 {
        api.delete("/v1/workflows/x").await.expect(403);
    }
    api.delete("/v1/workflows/x").await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_can_be_turned_off() {
    let database = Gateway::start().await.database_url.clone();
    let gateway = Gateway::on(&database, &["--rate-limits", "off"]).await.with_catalog().await;
    let api = gateway.key(Level::ReadOnly).await.0;
    for _ in 0..60 {
        let answer = api.delete("/v1/workflows/x").await;
        assert_eq!(answer.header("x-ratelimit-limit"), "");
        answer.expect(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_tries_keys_has_to_wait_and_good_keys_do_not() {
    let gateway = Gateway::start().await.with_catalog().await;
    let stranger = Api::new(&gateway.base, "");
    let mut tries = 0;
    // There is one more each second, so slow tries need more of them.
    loop {
        tries += 1;
        match stranger.with_key(ApiKey::generate().expose()).get("/v1/workflows").await.status {
            429 => break,
            status => assert_eq!(status, 401),
        }
        assert!(tries < TRIES_MAX, "nobody is told to wait");
    }
    assert!(tries > 60, "{tries}");
    assert_ne!(gateway.key(Level::ReadOnly).await.0.get("/v1/workflows").await.status, 429);
}
