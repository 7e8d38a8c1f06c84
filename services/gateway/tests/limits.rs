//! How much a key may ask for.

use crate::support::Gateway;
use gateway::key::{ApiKey, Level};
use local_stack::Postgres;
use testkit::{Api, eventually};

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
async fn what_is_set_for_a_key_goes_before_what_is_set_for_its_account() {
    let gateway = Gateway::start().await.with_catalog().await;
    let api = gateway.key(Level::FullAccess).await.0;
    let limit = async |wanted: &str| {
        eventually(wanted, async || {
            (api.get("/v1/workflows").await.header("x-ratelimit-limit") == wanted).then_some(())
        })
        .await;
    };
    limit("1000").await;
    gateway.sql(r#"UPDATE accounts SET limits = '{"read": 2000, "delete": 1}'"#).await;
    limit("2000").await;
    gateway.sql(r#"UPDATE api_keys SET limits = '{"read": 3000}'"#).await;
    limit("3000").await;
    api.delete("/v1/workflows/x").await.expect(404);
    api.delete("/v1/workflows/x").await.expect(429);
    gateway.sql(r#"UPDATE api_keys SET limits = '{"read": 0}'"#).await;
    let refused = eventually("a limit of 0 holds", async || {
        Some(api.get("/v1/workflows").await).filter(|it| it.status == 429)
    });
    assert_eq!(refused.await.header("x-ratelimit-limit"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_gives_back_what_it_has_not_used() {
    let mut first = Gateway::start().await;
    let second = Gateway::on(&first.database_url, &[]).await;
    let (api, key) = first.key(Level::ReadOnly).await;
    first.sql(r#"UPDATE api_keys SET limits = '{"read": 100}'"#).await;
    // What is malformed counts, and needs nobody behind the gateway.
    let path = "/v1/workflows?limit=0";
    api.get(path).await.expect(400);
    first.stop().await;
    let other = Api::new(&second.base, key.expose());
    for _ in 1..100 {
        other.get(path).await.expect(400);
    }
    other.get(path).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_what_was_leased_passes_and_then_the_share() {
    let metrics = platform::metrics::install().unwrap();
    let mut postgres = Postgres::ephemeral().unwrap();
    let gateway = Gateway::on(&postgres.url(), &["--database-timeout-ms", "1000"]).await;
    let api = gateway.key(Level::ReadOnly).await.0;
    let path = "/v1/workflows?limit=0";
    api.get(path).await.expect(400);

    postgres.kill();

    let mut passed = 1;
    let refused = loop {
        let answer = api.get(path).await;
        if answer.status != 400 {
            break answer;
        }
        passed += 1;
        // A slice of 50, and a share of 10.
        assert!(passed <= 60, "more passed than was leased");
    };
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.expect(503)["error"]["code"], "SERVICE_UNAVAILABLE");
    let told = metrics.render();
    for metric in [r#"alone_total{outcome="passed"}"#, r#"alone_total{outcome="refused"}"#] {
        assert!(told.contains(&format!("turnloom_rate_limit_{metric}")), "{told}");
    }
    postgres.start_again().unwrap();
    eventually("requests pass again", async || (api.get(path).await.status == 400).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_longer_counts_is_removed() {
    let gateway = Gateway::start().await;
    let api = gateway.key(Level::ReadOnly).await.0;
    api.get("/v1/workflows?limit=0").await.expect(400);
    assert!(!gateway.store.forget_ledgers().await.unwrap());
    assert_eq!(gateway.count("rate_ledgers").await, 1);
    gateway.sql("UPDATE rate_ledgers SET changed_at = now() - interval '3 hours'").await;
    gateway
        .sql(
            "INSERT INTO rate_ledgers (key_id, class, changed_at)
             SELECT gen_random_uuid(), 1, now() - interval '3 hours' FROM generate_series(1, 1000)",
        )
        .await;
    assert!(gateway.store.forget_ledgers().await.unwrap(), "a piece of them");
    assert!(!gateway.store.forget_ledgers().await.unwrap(), "the rest");
    assert_eq!(gateway.count("rate_ledgers").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_sends_too_much_at_once_has_to_wait_whoever_it_is() {
    let database = Gateway::start().await.database_url.clone();
    let gateway = Gateway::on(&database, &["--address-requests-per-second", "1"]).await;
    let stranger = Api::new(&gateway.base, "");
    let mut refused = stranger.get("/v1/workflows").await;
    refused.clone().expect(401);
    for _ in 0..TRIES_MAX {
        if refused.status == 429 {
            break;
        }
        refused = stranger.get("/v1/workflows").await;
    }
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.header("x-request-id").starts_with("request-"));
    assert_eq!(refused.expect(429)["error"]["code"], "RATE_LIMIT_EXCEEDED");
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
