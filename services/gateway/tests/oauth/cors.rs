//! Programs that run in a browser get tokens like others, when the operator names their site. The page for people is nobody's but the browser's.

use reqwest::Method;
use serde_json::json;
use testkit::Answer;

use super::{CALLBACK, Client, Stage, VERIFIER, asking, form_of, replaced};
use crate::support::Gateway;

const OURS: &str = "https://app.example.com";
const OTHERS: &str = "https://evil.example";

async fn stage(settings: &[&str]) -> Stage {
    let database = Gateway::start().await.database_url.clone();
    Stage::with(&database, settings).await
}

async fn asks(stage: &Stage, path: &str, origin: &str) -> Answer {
    let request = stage
        .request(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, content-type");
    stage.send(request).await
}

/// Whom an answer is for, beside those whose own it is.
fn allowed(answer: &Answer) -> String {
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    answer.header("access-control-allow-origin").to_owned()
}

async fn sends(stage: &Stage, path: &str, pairs: &[(&str, &str)], origin: &str) -> Answer {
    stage.send(stage.form(path, pairs).header("origin", origin)).await
}

async fn exchanges(stage: &Stage, client: &Client, origin: &str) -> Answer {
    let code = stage.code(client, "read_only").await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", &client.id),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    sends(stage, "/oauth/token", &pairs, origin).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_in_a_browser_gets_renews_and_gives_back_its_tokens() {
    let stage = stage(&["--cors-origins", OURS]).await;
    let client = stage.client("public", "read_only").await;
    for path in ["/.well-known/oauth-authorization-server", "/oauth/jwks"] {
        let read = stage.send(stage.request(Method::GET, path).header("origin", OURS)).await;
        assert_eq!(
            (read.status, allowed(&read).as_str(), read.header("vary")),
            (200, OURS, "Origin"),
            "{path}"
        );
    }
    for path in ["/oauth/token", "/oauth/revoke"] {
        let asked = asks(&stage, path, OURS).await;
        assert_eq!((asked.status, allowed(&asked).as_str()), (204, OURS), "{path}");
        assert!(asked.header("access-control-allow-headers").contains("Authorization"));
    }
    let given = exchanges(&stage, &client, OURS).await;
    assert_eq!(allowed(&given), OURS);
    let (api, refresh) = stage.both(&given.expect(200));
    let called = api.send(api.request(Method::GET, "/v1/account").header("origin", OURS)).await;
    assert_eq!((called.status, allowed(&called).as_str()), (200, OURS));
    let named = |pairs: [(&'static str, String); 2]| {
        let [one, other] = pairs;
        [one, other, ("client_id", client.id.clone())]
    };
    let renewing = named([("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh)]);
    let renewing = renewing.each_ref().map(|(name, value)| (*name, value.as_str()));
    let renewed = sends(&stage, "/oauth/token", &renewing, OURS).await;
    assert_eq!(allowed(&renewed), OURS);
    let next = renewed.expect(200)["refresh_token"].as_str().unwrap().to_owned();
    // It can read why it gets none, too.
    for (pairs, status) in [(&renewing[..], 400), (&[("client_id", "x")], 401)] {
        let refused = sends(&stage, "/oauth/token", pairs, OURS).await;
        assert_eq!((refused.status, allowed(&refused).as_str()), (status, OURS));
    }
    let back = sends(&stage, "/oauth/revoke", &[("client_id", &client.id), ("token", &next)], OURS).await;
    assert_eq!((back.status, allowed(&back).as_str()), (200, OURS));
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_other_sites_read_none_of_it() {
    let open = stage(&["--cors-origins", OURS]).await;
    let closed = stage(&[]).await;
    for (stage, origin) in [(&open, OTHERS), (&open, "null"), (&closed, OURS)] {
        for path in
            ["/oauth/token", "/oauth/revoke", "/oauth/jwks", "/.well-known/oauth-authorization-server"]
        {
            let asked = asks(stage, path, origin).await;
            assert_eq!((asked.status, allowed(&asked).as_str()), (405, ""), "{path} {origin}");
        }
        let client = stage.client("public", "read_only").await;
        let given = exchanges(stage, &client, origin).await;
        assert_eq!((given.status, allowed(&given).as_str()), (200, ""));
        let read = stage.send(stage.request(Method::GET, "/oauth/jwks").header("origin", origin)).await;
        assert_eq!((read.status, allowed(&read).as_str()), (200, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_script_reads_the_page_for_people_nor_sends_its_form() {
    let stage = stage(&["--cors-origins", OURS]).await;
    let body = json!({"name": "CRM", "type": "public", "level": "read_only", "redirect_uris": [CALLBACK]});
    let client = stage.register(&body).await;
    let query = super::encoded(&asking(&client, &[]));
    for path in ["/oauth/authorize", "/oauth/%61uthorize"] {
        let asked = asks(&stage, path, OURS).await;
        assert_eq!((asked.status, allowed(&asked).as_str()), (405, ""), "{path}");
        let address = format!("{path}?{query}");
        let page = stage.send(stage.request(Method::GET, &address).header("origin", OURS)).await;
        assert_eq!((page.status, allowed(&page).as_str()), (200, ""), "{path}");
        assert_eq!(page.header("access-control-expose-headers"), "");
        let pairs = [("request", form_of(&page)), ("decision", "deny")];
        for pairs in [pairs.to_vec(), replaced(&pairs, &[("request", "")])] {
            let sent = sends(&stage, path, &pairs, OURS).await;
            assert_eq!(allowed(&sent), "", "{path}");
        }
    }
}
