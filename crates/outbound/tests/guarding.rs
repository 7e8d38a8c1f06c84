//! What lies behind the firewall gets no connection from a workflow, however its address is written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use outbound::{CallCode, CallFailure, HttpAnswer, HttpCall, HttpCaller, Method, OutboundConfig, Retry};
use testkit::{Canary, FakeTarget, NOT_PUBLIC, PATIENCE, Reply};
use tokio::time::Instant;

fn caller(allowed: &[&str]) -> HttpCaller {
    let outbound_allow = allowed.iter().map(|network| network.parse().unwrap()).collect();
    HttpCaller::new(&OutboundConfig { outbound_allow }).unwrap()
}

async fn get(caller: &HttpCaller, url: &str) -> Result<HttpAnswer, CallFailure> {
    let call = HttpCall {
        method: Method::Get,
        url: url.to_owned(),
        headers: BTreeMap::from([("authorization".to_owned(), "Bearer secret".to_owned())]),
        body: None,
        timeout: PATIENCE,
    };
    caller.call(&call, "key-1", Instant::now() + PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_an_address_reaches_what_is_not_public() {
    let canary = Canary::start();
    let (caller, port) = (caller(&[]), canary.port());
    for host in NOT_PUBLIC {
        for url in [
            format!("http://{host}:{port}/"),
            format!("https://{host}:{port}/"),
            format!("hTTp:\\\\{host}:{port}\\path"),
            format!("http:{host}:{port}"),
            format!(" \thttp://{host}:{port}/?a=@example.com#@example.com"),
        ] {
            let failure = get(&caller, &url).await.unwrap_err();
            assert_eq!((failure.code, failure.retry), (CallCode::Blocked, Retry::Never), "{url}: {failure}");
        }
    }
    for url in [
        format!("http://example.com@127.0.0.1:{port}/"),
        format!("http://a:b@127.0.0.1:{port}/"),
        format!("ftp://127.0.0.1:{port}/"),
        format!("file://127.0.0.1:{port}/etc/passwd"),
        format!("gopher://127.0.0.1:{port}/_GET"),
        format!("ws://127.0.0.1:{port}/"),
        format!("127.0.0.1:{port}"),
        format!("//127.0.0.1:{port}/"),
    ] {
        let failure = get(&caller, &url).await.unwrap_err();
        assert_eq!((failure.code, failure.retry), (CallCode::BadUrl, Retry::Never), "{url}: {failure}");
    }
    assert_eq!(canary.visitors(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_allows_is_reached_by_address_and_by_name() {
    let target = FakeTarget::start();
    let caller = caller(&["127.0.0.0/8"]);
    for host in ["127.0.0.1", "2130706433", "0177.1", "localhost"] {
        let answer = get(&caller, &format!("http://{host}:{}/", target.port())).await.unwrap();
        assert_eq!(answer.status, 200, "{host}");
    }
    assert_eq!(target.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_for_one_network_stays_closed_for_another() {
    let canary = Canary::start();
    let caller = caller(&["127.0.0.1/32", "10.0.0.0/8"]);
    let failure = get(&caller, &format!("http://127.0.0.2:{}/", canary.port())).await.unwrap_err();
    assert_eq!(failure.code, CallCode::Blocked);
    assert_eq!(canary.visitors(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let canary = Canary::start();
    let target = FakeTarget::start();
    let caller = caller(&["127.0.0.0/8"]);
    for (status, location) in [
        (301, format!("http://127.0.0.2:{}/", canary.port())),
        (302, format!("http://localhost:{}/", canary.port())),
        (303, "http://169.254.169.254/latest/meta-data/".to_owned()),
        (307, "file:///etc/passwd".to_owned()),
        (308, "/elsewhere".to_owned()),
    ] {
        target.next(Reply::json(status, &serde_json::json!({})).with_header("location", &location));
        let failure = get(&caller, &target.url()).await.unwrap_err();
        assert_eq!((failure.code, failure.status), (CallCode::Redirected, Some(status)), "{location}");
        assert!(!failure.message.contains(&location));
    }
    assert_eq!(target.requests().len(), 5);
    assert_eq!(canary.visitors(), 0);
}
