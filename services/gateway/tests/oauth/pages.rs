//! What the person sees, and where the browser is sent.

use gateway::key::{ApiKey, Level};
use serde_json::json;

use super::{CALLBACK, ISSUER, Stage, answered, asking, form_of, replaced};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_nothing_and_cannot_be_framed() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let page = stage.authorize(&asking(&client, &[])).await;
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "form-action 'self' https://client.example;", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("set-cookie", ""),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.text.contains("CRM") && !page.text.contains("<script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_name_is_text_and_nothing_else() {
    let stage = Stage::start().await;
    let name = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;";
    let client = json!({"name": name, "type": "public", "level": "read_only", "redirect_uris": [CALLBACK]});
    let page = stage.authorize(&asking(&stage.register(&client).await, &[])).await;
    assert_eq!(page.status, 200);
    for tag in ["<script", "<img", "\"'>"] {
        assert!(!page.text.contains(tag), "{}", page.text);
    }
    assert!(page.text.contains(
        "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x onerror=y&gt;&amp;amp;"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_a_place_that_is_not_the_clients() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    for other in [
        ("redirect_uri", "https://evil.example/cb"),
        ("redirect_uri", "https://client.example/cb/"),
        ("redirect_uri", "https://client.example/cb?x=1"),
        ("redirect_uri", "http://client.example/cb"),
        ("redirect_uri", "javascript:alert(1)"),
        ("client_id", "oauth-client-01a20acf-9cb2-767f-9572-1d0534001a8a"),
        ("client_id", "<script>"),
        ("client_id", ""),
    ] {
        let page = stage.authorize(&asking(&client, &[other])).await;
        assert_eq!((page.status, page.header("location")), (400, ""), "{other:?}");
        assert!(page.header("content-type").starts_with("text/html"), "{other:?}");
        assert!(!page.text.contains("evil.example") && !page.text.contains("<script"), "{}", page.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_told_what_else_is_wrong() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    for (other, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "read_write"), "invalid_scope"),
        (("scope", "everything"), "invalid_scope"),
    ] {
        let told = answered(&stage.authorize(&asking(&client, &[other])).await);
        assert_eq!((told["error"].as_str(), told["state"].as_str()), (error, "s 1"), "{other:?}");
        assert_eq!(told["iss"], ISSUER);
        assert!(!told.contains_key("code"));
    }
    let page = stage.authorize(&asking(&client, &[])).await;
    let told = answered(&stage.decide(&page, "deny", "").await);
    assert_eq!((told["error"].as_str(), told["iss"].as_str()), ("access_denied", ISSUER));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_full_access_key_consents() {
    let stage = Stage::start().await;
    let client = stage.client("public", "full_access").await;
    let page = stage.authorize(&asking(&client, &[])).await;
    let (_, writer) = stage.gateway.key(Level::ReadWrite).await;
    let robot = stage.robot("full_access").await;
    let token = stage.own_token(&robot, "full_access").await;
    for key in ["", "nonsense", ApiKey::generate().expose(), writer.expose(), token.key()] {
        let again = stage.decide(&page, "allow", key).await;
        assert_eq!((again.status, again.header("location")), (403, ""), "{key}");
        assert!(again.text.contains("role=\"alert\"") && !form_of(&again).is_empty());
        assert!(key.is_empty() || !again.text.contains(key));
    }
    assert_eq!(stage.gateway.count("oauth_codes").await, 0);
    answered(&stage.decide(&page, "allow", stage.key.expose()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_form_that_was_shown_is_taken() {
    let stage = Stage::start().await;
    let client = stage.client("public", "full_access").await;
    let page = stage.authorize(&asking(&client, &[])).await;
    let token = stage.own_token(&stage.robot("full_access").await, "full_access").await;
    let good = [("request", form_of(&page)), ("decision", "allow"), ("api_key", stage.key.expose())];
    let tampered = format!("{}A", form_of(&page));
    for other in [
        ("request", ""),
        ("request", "nonsense"),
        ("request", tampered.as_str()),
        ("request", token.key()),
        ("decision", ""),
        ("decision", "perhaps"),
    ] {
        let refused = stage.post("/oauth/authorize", &replaced(&good, &[other])).await;
        assert_eq!((refused.status, refused.header("location")), (400, ""), "{other:?}");
    }
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 303)] {
        let request = stage.form("/oauth/authorize", &good).header("sec-fetch-site", site);
        assert_eq!(stage.send(request).await.status, status, "{site}");
    }
    // The form's token lets nobody in.
    stage.full.with_key(form_of(&page)).get("/v1/workflows").await.expect(401);
    stage.full.delete(&format!("{}/{}", super::CLIENTS, client.id)).await.expect(200);
    assert_eq!(stage.post("/oauth/authorize", &good).await.status, 400);
}
