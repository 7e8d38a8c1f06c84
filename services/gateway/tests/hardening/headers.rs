//! What every answer tells browsers.

use gateway::key::Level;
use reqwest::Method;
use testkit::{Answer, Api};

use super::gateway;
use super::raw::{Raw, get};
use crate::support::Gateway;

/// Answers of all kinds: handlers', refusals', those that need no key, and some without a body.
async fn answers(gateway: &Gateway) -> Vec<Answer> {
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let stranger = Api::new(&gateway.base, "x");
    let etag = api.get("/v1/account").await.header("etag").to_owned();
    assert!(!etag.is_empty());
    let asked = [
        api.request(Method::GET, "/v1/account"),
        api.request(Method::HEAD, "/v1/account"),
        api.request(Method::GET, "/v1/account").header("if-none-match", etag),
        api.request(Method::GET, "/v1/nothing"),
        api.request(Method::PATCH, "/v1/account"),
        api.request(Method::OPTIONS, "/v1/account"),
        api.request(Method::POST, "/v1/workflows").json(&1),
        api.request(Method::POST, "/v1/workflows").header("idempotency-key", "a").json(&1),
        // The catalog is not there.
        api.request(Method::GET, "/v1/workflows"),
        api.request(Method::GET, "/v1/account").header("content-encoding", "gzip"),
        stranger.request(Method::GET, "/v1/account"),
        stranger.request(Method::GET, "/v1/openapi.json"),
        stranger.request(Method::GET, "/docs/"),
        stranger.request(Method::GET, "/"),
    ];
    let mut answers = Vec::new();
    for request in asked {
        answers.push(api.send(request).await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 304, 404, 405, 405, 403, 403, 503, 415, 401, 200, 200, 404]);
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_take_it_for_data_and_says_nothing_of_who_made_it() {
    let gateway = Gateway::start().await;
    for answer in answers(&gateway).await {
        let told = |name: &str| answer.header(name).to_owned();
        assert_eq!(told("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(told("referrer-policy"), "no-referrer", "{answer:?}");
        assert!(told("content-security-policy").starts_with("default-src 'none'; "), "{answer:?}");
        assert!(told("content-security-policy").contains("frame-ancestors 'none'"), "{answer:?}");
        assert!(!told("cache-control").is_empty(), "{answer:?}");
        assert!(!told("x-request-id").is_empty(), "{answer:?}");
        for absent in
            ["server", "x-powered-by", "via", "strict-transport-security", "access-control-allow-origin"]
        {
            assert_eq!(told(absent), "", "{absent}: {answer:?}");
        }
        if answer.status >= 400 {
            for banner in ["actix", env!("CARGO_PKG_VERSION"), "rust", "/src/"] {
                assert!(!answer.text.to_lowercase().contains(banner), "{banner}: {}", answer.text);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_an_account_and_what_a_handler_says_of_its_answer_stays() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let answer = api.get("/v1/account").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(api.get("/v1/openapi.json").await.header("cache-control"), "max-age=300");
    let page = api.get("/docs/").await;
    assert_eq!(page.header("cache-control"), "max-age=300");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_before_it_is_understood_has_the_same_headers() {
    let gateway = Gateway::start().await;
    for sent in ["\0".to_owned(), get(&"/a".repeat(9000))] {
        let mut raw = Raw::to(&gateway).await;
        raw.send(sent).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("server"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_browsers_are_told_to_come_by_tls_only() {
    let gateway = gateway(&["--behind-tls", "on"]).await;
    for answer in answers(&gateway).await {
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{answer:?}");
    }
}
