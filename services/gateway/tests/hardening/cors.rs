//! Scripts of other sites: closed unless the operator names their site.

use gateway::key::Level;
use reqwest::Method;
use testkit::{Answer, Api};

use super::gateway;
use crate::support::Gateway;

const OURS: &str = "https://app.example.com";
const ALLOWS: [&str; 5] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
];

async fn asks(api: &Api, origin: &str) -> Answer {
    let request = api
        .request(Method::OPTIONS, "/v1/workflows")
        .header("origin", origin)
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "authorization, content-type");
    api.send(request).await
}

async fn calls(api: &Api, path: &str, origin: &str) -> Answer {
    api.send(api.request(Method::GET, path).header("origin", origin)).await
}

fn allows_nothing(answer: &Answer) {
    for name in ALLOWS {
        assert_eq!(answer.header(name), "", "{name}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_site_may_call_unless_it_is_named() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let asked = asks(&api, OURS).await;
    allows_nothing(&asked);
    asked.expect(405);
    let called = calls(&api, "/v1/account", OURS).await;
    allows_nothing(&called);
    assert_eq!(called.header("vary"), "");
    called.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_named_may_ask_and_call_without_credentials() {
    let gateway = gateway(&["--cors-origins", "https://app.example.com:443/,http://localhost:3000"]).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    for origin in [OURS, "http://localhost:3000"] {
        let asked = asks(&api, origin).await;
        assert_eq!(asked.status, 204);
        assert_eq!(asked.header("access-control-allow-origin"), origin);
        assert_eq!(asked.header("access-control-allow-methods"), "GET, HEAD, POST, PUT, DELETE");
        let headers = asked.header("access-control-allow-headers").to_lowercase();
        for name in
            ["authorization", "content-type", "idempotency-key", "if-match", "prefer", "last-event-id"]
        {
            assert!(headers.split(", ").any(|allowed| allowed == name), "{name}: {headers}");
        }
        assert!(!headers.contains('*'));
        assert_eq!(asked.header("access-control-allow-credentials"), "");
        assert!(asked.header("vary").starts_with("Origin, "));
        // Refusals, too, since a script must be able to read why.
        for (path, status) in [("/v1/account", 200), ("/v1/nothing", 404), ("/v1/workflows", 503)] {
            let called = calls(&api, path, origin).await;
            assert_eq!(called.header("access-control-allow-origin"), origin);
            assert!(called.header("access-control-expose-headers").contains("X-Request-Id"));
            assert_eq!(called.header("access-control-allow-credentials"), "");
            assert_eq!(called.header("vary"), "Origin");
            called.expect(status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_may_not_however_alike_they_look() {
    let gateway = gateway(&["--cors-origins", OURS]).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    for origin in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://sub.app.example.com",
        "https://APP.example.com",
        "null",
        "*",
    ] {
        let asked = asks(&api, origin).await;
        allows_nothing(&asked);
        assert_eq!(asked.header("vary"), "Origin");
        asked.expect(405);
        let called = calls(&api, "/v1/account", origin).await;
        allows_nothing(&called);
        assert_eq!(called.header("vary"), "Origin");
    }
}
