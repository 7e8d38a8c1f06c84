//! Authorization codes: the way to them, and what may be done with them.

use serde_json::json;
use testkit::eventually;

use super::{CALLBACK, CLIENTS, Client, ISSUER, Stage, VERIFIER, answered, asking, error_of, is_good};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_consents_and_the_client_acts_for_the_account() {
    let stage = Stage::start().await;
    for kind in ["confidential", "public"] {
        let client = stage.client(kind, "read_write").await;
        let page = stage.authorize(&asking(&client, &[("scope", "read_only read_write")])).await;
        assert_eq!(page.status, 200);
        let answer = stage.decide(&page, "allow", stage.key.expose()).await;
        assert_eq!(
            (answer.header("cache-control"), answer.header("referrer-policy")),
            ("no-store", "no-referrer")
        );
        let answer = answered(&answer);
        assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("s 1", ISSUER));

        let given = stage.exchange(&client, &answer["code"], &[]).await;
        assert_eq!((given.header("cache-control"), given.header("pragma")), ("no-store", "no-cache"));
        let given = given.expect(200);
        assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!(given["scope"], "read_write");
        let (api, _) = stage.both(&given);
        let seen = api.get("/v1/account").await.expect(200)["data"].clone();
        assert_eq!((&seen["name"], &seen["key"]["id"]), (&json!("default"), &json!(client.id)));
        assert_eq!((&seen["key"]["name"], &seen["key"]["level"]), (&json!("CRM"), &json!("read_write")));
    }
    let log = stage.full.get("/v1/audit-log?action=authorizeOAuthClient").await.expect(200);
    assert_eq!((&log["pagination"]["total"], &log["data"][0]["key_name"]), (&json!(2), &json!("test")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_for_its_client_place_and_verifier_only() {
    let stage = Stage::start().await;
    let (client, other) =
        (stage.client("public", "read_only").await, stage.client("public", "read_only").await);
    let code = stage.code(&client, "read_only").await;
    let wrong = "x".repeat(50);
    for (from, pairs, error) in [
        (&client, vec![("code_verifier", wrong.as_str())], "invalid_grant"),
        (&client, vec![("code_verifier", "short")], "invalid_grant"),
        (&client, vec![("code_verifier", "")], "invalid_request"),
        (&client, vec![("redirect_uri", "https://client.example/other")], "invalid_grant"),
        (&client, vec![("redirect_uri", "")], "invalid_grant"),
        (&client, vec![("code", "")], "invalid_request"),
        (&client, vec![("code", "tlc_nonsense")], "invalid_grant"),
        (&client, vec![("grant_type", "password")], "unsupported_grant_type"),
        (&client, vec![("grant_type", "")], "invalid_request"),
        (&client, vec![("grant_type", "client_credentials")], "unauthorized_client"),
        (&other, vec![], "invalid_grant"),
    ] {
        let refused = stage.exchange(from, &code, &pairs).await;
        assert_eq!(error_of(refused, 400), error, "{pairs:?}");
    }
    stage.exchange(&client, &code, &[]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_used_again_ends_what_it_gave() {
    let stage = Stage::start().await;
    let client = stage.client("confidential", "read_only").await;
    let code = stage.code(&client, "read_only").await;
    let (api, refresh) = stage.both(&stage.exchange(&client, &code, &[]).await.expect(200));
    assert!(is_good(&api).await);

    // Whoever has it, and has nothing else.
    let again = stage.exchange(&client, &code, &[("code_verifier", &"x".repeat(43))]).await;
    assert_eq!(error_of(again, 400), "invalid_grant");

    eventually("the access token is refused", async || (!is_good(&api).await).then_some(())).await;
    assert_eq!(error_of(stage.refresh(&client, &refresh).await, 400), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_code_at_once_one_at_most_keeps_anything() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let code = stage.code(&client, "read_only").await;
    let tries = (0..8).map(|_| stage.exchange(&client, &code, &[]));
    let answers = futures::future::join_all(tries).await;
    let given: Vec<_> = answers.into_iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1);
    let (api, refresh) = stage.both(&given[0].body);
    assert_eq!(error_of(stage.refresh(&client, &refresh).await, 400), "invalid_grant");
    eventually("the access token is refused", async || (!is_good(&api).await).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_over_after_a_minute() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let code = stage.code(&client, "read_only").await;
    assert_eq!(stage.gateway.count("oauth_codes WHERE expires_at <= now() + interval '1 minute'").await, 1);
    stage.gateway.sql("UPDATE oauth_codes SET expires_at = now()").await;
    assert_eq!(error_of(stage.exchange(&client, &code, &[]).await, 400), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_was_not_named_need_not_be_named_again() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    for (named, right) in [("", true), (CALLBACK, true), ("https://client.example/x", false)] {
        let page = stage.authorize(&asking(&client, &[("redirect_uri", "")])).await;
        let code = answered(&stage.decide(&page, "allow", stage.key.expose()).await)["code"].clone();
        let answer = stage.exchange(&client, &code, &[("redirect_uri", named)]).await;
        assert_eq!(answer.status == 200, right, "{named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_its_secret_in_one_way() {
    let stage = Stage::start().await;
    let client = stage.client("confidential", "read_only").await;
    let secret = client.secret.clone().unwrap();
    let code = stage.code(&client, "read_only").await;
    let other = stage.client("confidential", "read_only").await;
    let wrong = Client { secret: other.secret, ..client.clone() };
    let none = Client { secret: None, ..client.clone() };
    let unknown =
        Client { id: "oauth-client-01a20acf-9cb2-767f-9572-1d0534001a8a".to_owned(), ..client.clone() };
    let public = stage.client("public", "read_only").await;
    let pretending = Client { secret: Some(secret.clone()), ..public };
    for client in [&wrong, &none, &unknown, &pretending] {
        let refused = stage.exchange(client, &code, &[]).await;
        assert!(refused.header("www-authenticate").starts_with("Basic "));
        assert_eq!(error_of(refused, 401), "invalid_client");
    }
    let form =
        |pairs: &[(&str, &str)]| stage.form("/oauth/token", pairs).basic_auth(&client.id, Some(&secret));
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let both = [&pairs[..], &[("client_secret", secret.as_str())]].concat();
    assert_eq!(error_of(stage.send(form(&both)).await, 400), "invalid_request");
    let twice = [&pairs[..], &[("code", "x")]].concat();
    assert_eq!(error_of(stage.send(form(&twice)).await, 400), "invalid_request");
    stage.send(form(&pairs)).await.expect(200);
    let json = stage.request(reqwest::Method::POST, "/oauth/token").json(&json!({"grant_type": "x"}));
    assert_eq!(error_of(stage.send(json).await, 415), "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_registered_keys_of_the_clients_own_account_see_it() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let stranger = gateway::key::ApiKey::generate();
    let level = gateway::key::Level::FullAccess;
    stage.gateway.store.add_key("other", "test", level, &stranger).await.unwrap();
    let theirs = stage.full.with_key(stranger.expose());
    theirs.get(&format!("{CLIENTS}/{}", client.id)).await.expect(404);
    theirs.delete(&format!("{CLIENTS}/{}", client.id)).await.expect(404);
    assert_eq!(theirs.get(CLIENTS).await.expect(200)["pagination"]["total"], 0);
    let page = stage.authorize(&asking(&client, &[])).await;
    let refused = stage.decide(&page, "allow", stranger.expose()).await;
    assert_eq!((refused.status, refused.header("location")), (403, ""));
    assert_eq!(stage.gateway.count("oauth_codes").await, 0);
}
