//! Clients over the API: registered, shown, removed.

use reqwest::Method;
use serde_json::{Value, json};

use super::{CALLBACK, CLIENTS, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_registered_shown_and_removed() {
    let stage = Stage::start().await;
    let body =
        json!({"name": "CRM", "type": "confidential", "level": "read_write", "redirect_uris": [CALLBACK]});
    let made = stage.full.post(CLIENTS, &body).await;
    let location = made.header("location").to_owned();
    let made = made.expect(201)["data"].clone();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("tls_"));
    assert_eq!(location, format!("{CLIENTS}/{}", made["id"].as_str().unwrap()));
    let shown = stage.full.get(&location).await;
    assert!(!shown.text.contains(secret) && !shown.text.contains("\"secret\""));
    let shown = shown.expect(200)["data"].clone();
    assert_eq!(
        (&shown["level"], &shown["grant_types"]),
        (&json!("read_write"), &json!(["authorization_code"]))
    );
    let public = json!({"name": "App", "type": "public", "level": "read_only", "redirect_uris": ["http://127.0.0.1/cb"]});
    let public = stage.full.post(CLIENTS, &public).await.expect(201)["data"].clone();
    assert_eq!((&public["secret"], &public["type"]), (&Value::Null, &json!("public")));

    let list = stage.full.get(&format!("{CLIENTS}?limit=1")).await.expect(200);
    assert_eq!((&list["data"][0]["name"], &list["pagination"]["total"]), (&json!("App"), &json!(2)));
    let cursor = list["pagination"]["next_cursor"].as_str().unwrap();
    let next = stage.full.get(&format!("{CLIENTS}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(next["data"][0], shown);

    stage.full.delete(&location).await.expect(200);
    for method in [Method::GET, Method::DELETE] {
        let gone = stage.full.send(stage.full.request(method, &location)).await.expect(404);
        assert_eq!(gone["error"]["code"], "OAUTH_CLIENT_NOT_FOUND");
    }
    let log = stage.full.get("/v1/audit-log?limit=3").await.expect(200)["data"].clone();
    let actions: Vec<_> = log.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["deleteOAuthClient", "createOAuthClient", "createOAuthClient"]);
    assert_eq!((&log[0]["resource_id"], &log[2]["resource_id"]), (&made["id"], &made["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_full_access_key_manages_clients() {
    use gateway::key::Level;
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    for level in [Level::ReadOnly, Level::ReadWrite] {
        let (api, _) = stage.gateway.key(level).await;
        api.get(CLIENTS).await.expect(403);
        api.get(&format!("{CLIENTS}/{}", client.id)).await.expect(403);
        api.post(CLIENTS, &json!({})).await.expect(403);
        api.delete(&format!("{CLIENTS}/{}", client.id)).await.expect(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_sent_again_gives_the_same_secret() {
    let stage = Stage::start().await;
    let body =
        json!({"name": "CRM", "type": "confidential", "level": "read_only", "redirect_uris": [CALLBACK]});
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = stage.full.request(Method::POST, CLIENTS).header("idempotency-key", "k").json(&body);
        answers.push(stage.full.send(request).await.expect(201));
    }
    assert_eq!(answers[0], answers[1]);
    let secret = answers[0]["data"]["secret"].as_str().unwrap();
    let kept = format!("idempotency_keys WHERE position('{secret}'::bytea in body) > 0");
    assert_eq!(stage.gateway.count(&kept).await, 0);
    assert_eq!(stage.gateway.count("oauth_clients").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_cannot_be_is_refused_and_there_is_a_most() {
    let stage = Stage::start().await;
    let good = json!({"name": "CRM", "type": "public", "level": "read_only", "redirect_uris": [CALLBACK]});
    for (field, value, blamed) in [
        ("redirect_uris", json!(["http://client.example/cb"]), "redirect_uris[0]"),
        ("grant_types", json!(["client_credentials"]), "grant_types[0]"),
        ("level", json!("admin"), "level"),
        ("secret", json!("mine"), "secret"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = stage.full.post(CLIENTS, &body).await.expect(400);
        assert_eq!(refused["error"]["field"], blamed, "{body}");
    }
    stage.gateway.sql(
        "INSERT INTO oauth_clients (id, account_id, name, level, grant_types, redirect_uris)
         SELECT gen_random_uuid(), (SELECT id FROM accounts), 'x', 1, '{}'::text[], '{}'::text[] FROM generate_series(1, 100)",
    ).await;
    let refused = stage.full.post(CLIENTS, &good).await.expect(409);
    assert_eq!(refused["error"]["code"], "CONFLICT");
}
