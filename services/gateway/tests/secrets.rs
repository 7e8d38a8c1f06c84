//! Secrets are sealed before they go anywhere, and never come back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use crate::support::Gateway;
use contracts::subject::catalog;
use contracts::v1::{self, Failure};
use flow_model::AccountId;
use gateway::key::Level;
use prost::Message;
use secrecy::{ExposeSecret, SecretString};
use secrets::{Sealer, SecretsConfig, new_key};
use serde_json::json;
use testkit::Api;

const PLANTED: &str = "planted-secret-7f3a";

/// A gateway with this key, and what it sends to the catalog.
async fn gateway_with(key: &SecretString) -> (Gateway, Arc<Mutex<Vec<v1::PutSecretRequest>>>) {
    let database = Gateway::start().await.database_url.clone();
    let gateway = Gateway::on(&database, &["--secrets-key", key.expose_secret()]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let put = Arc::clone(&seen);
    let gateway = gateway.behind_it(move |server| {
        server
            .handle(catalog::PUT_SECRET, move |request: v1::PutSecretRequest| {
                let name = request.name.clone();
                put.lock().unwrap().push(request);
                async move { Ok::<_, Failure>(v1::Secret { name, created_at_ms: 1, updated_at_ms: 2 }) }
            })
            .handle(catalog::LIST_SECRETS, |_: v1::ListSecretsRequest| async {
                Ok::<_, Failure>(v1::ListSecretsResponse::default())
            })
            .handle(catalog::DELETE_SECRET, |_: v1::DeleteSecretRequest| async {
                Ok::<_, Failure>(v1::DeleteSecretResponse::default())
            })
    });
    (gateway.await, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_sealed_for_its_account_and_name_before_it_goes_anywhere() {
    let key = new_key().unwrap();
    let (gateway, seen) = gateway_with(&key).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let answer = api.put("/v1/secrets/crm_token", &json!({"value": PLANTED})).await;
    assert!(!answer.text.contains(PLANTED));
    let shown = answer.expect(200);
    let secret = json!({"name": "crm_token", "created_at": "1970-01-01T00:00:00.001Z", "updated_at": "1970-01-01T00:00:00.002Z"});
    assert_eq!(shown["data"], secret);

    let sent = seen.lock().unwrap().pop().unwrap();
    let bytes = sent.encode_to_vec();
    assert!(!bytes.windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes()));
    let sealer = Sealer::new(&SecretsConfig { secrets_key: Some(key) }).unwrap().unwrap();
    let account = AccountId::from_slice(&sent.account_id).unwrap();
    let opened = sealer.open(account, &"crm_token".parse().unwrap(), &sent.ciphertext).unwrap();
    assert_eq!(opened.expose_secret(), PLANTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_secrets_are_refused_without_being_repeated() {
    let (gateway, seen) = gateway_with(&new_key().unwrap()).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let long = PLANTED.repeat(300);
    for (name, body, code, field) in [
        ("token", json!({}), "MISSING_REQUIRED_FIELD", "value"),
        ("token", json!({"value": ""}), "MISSING_REQUIRED_FIELD", "value"),
        ("token", json!({"value": [PLANTED]}), "INVALID_REQUEST", "value"),
        ("token", json!({"value": long}), "INVALID_REQUEST", "value"),
        ("token", json!({"value": PLANTED, "note": PLANTED}), "INVALID_REQUEST", "note"),
        ("token", json!(PLANTED), "INVALID_REQUEST", ""),
        ("Token", json!({"value": PLANTED}), "INVALID_REQUEST", "name"),
        ("to-ken", json!({"value": PLANTED}), "INVALID_REQUEST", "name"),
        ("%20", json!({"value": PLANTED}), "INVALID_REQUEST", "name"),
    ] {
        let answer = api.put(&format!("/v1/secrets/{name}"), &body).await;
        assert!(!answer.text.contains(PLANTED), "{}", answer.text);
        let error = answer.expect(400)["error"].clone();
        let field = (!field.is_empty()).then_some(field);
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), field), "{name}");
    }
    let malformed = format!("{{\"value\": \"{PLANTED}\"");
    let request = api.request(reqwest::Method::PUT, "/v1/secrets/token").body(malformed);
    let answer = api.send(request.header("content-type", "application/json")).await;
    assert!(answer.status == 400 && !answer.text.contains(PLANTED), "{}", answer.text);
    assert!(seen.lock().unwrap().is_empty());
}

async fn statuses(api: &Api) -> [u16; 3] {
    [
        api.put("/v1/secrets/token", &json!({"value": "x"})).await.status,
        api.get("/v1/secrets").await.status,
        api.delete("/v1/secrets/token").await.status,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_full_access_key_may_touch_secrets() {
    let (gateway, _) = gateway_with(&new_key().unwrap()).await;
    for (level, status) in [(Level::ReadOnly, 403), (Level::ReadWrite, 403), (Level::FullAccess, 200)] {
        assert_eq!(statuses(&gateway.key(level).await.0).await, [status; 3], "{level:?}");
    }
    let (api, _) = gateway.key(Level::FullAccess).await;
    assert_eq!(api.get("/v1/secrets/token").await.expect(405)["error"]["code"], "METHOD_NOT_ALLOWED");
    assert_eq!(api.delete("/v1/secrets/No").await.expect(404)["error"]["code"], "SECRET_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_are_no_secrets() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    assert_eq!(statuses(&api).await, [409; 3]);
    assert_eq!(api.get("/v1/secrets").await.body["error"]["code"], "SECRETS_NOT_CONFIGURED");
}
