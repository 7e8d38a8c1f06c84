//! Secrets from the door to the database: who has the key can open what is stored, nobody else can read it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::Product;
use bus::{Bus, BusConfig};
use contracts::{subject, v1};
use flow_model::AccountId;
use gateway::key::Level;
use secrecy::ExposeSecret;
use secrets::{Sealer, SecretsConfig};
use serde_json::{Value, json};
use testkit::Api;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn names(api: &Api) -> Vec<String> {
    let listed = api.get("/v1/secrets").await.expect(200);
    let secrets = listed["data"]["secrets"].as_array().unwrap();
    secrets.iter().map(|secret| secret["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_outlives_a_restart_and_only_the_key_opens_it() {
    let mut product = Product::start().await;
    product.api.put("/v1/secrets/token", &json!({"value": "first"})).await.expect(200);
    let kept = product.api.put("/v1/secrets/token", &json!({"value": "planted-secret"})).await.expect(200);
    assert_eq!(kept["data"]["name"], "token");
    product.restart().await;
    assert_eq!(names(&product.api).await, ["token"]);

    let bus = Bus::connect(&BusConfig::for_url(&product.nats.url()), "test").await.unwrap();
    let account = AccountId::named("default");
    let request =
        v1::GetSecretsRequest { account_id: account.to_vec().into(), names: vec!["token".to_owned()] };
    let found: v1::GetSecretsResponse =
        bus.rpc().call(subject::catalog::GET_SECRETS, &request, PATIENCE).await.unwrap();
    let sealer =
        Sealer::new(&SecretsConfig { secrets_key: Some(product.secrets_key.clone()) }).unwrap().unwrap();
    let opened = sealer.open(account, &"token".parse().unwrap(), &found.secrets[0].ciphertext).unwrap();
    assert_eq!(opened.expose_secret(), "planted-secret");

    product.api.delete("/v1/secrets/token").await.expect(200);
    assert_eq!(
        product.api.delete("/v1/secrets/token").await.expect(404)["error"]["code"],
        "SECRET_NOT_FOUND"
    );
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_cannot_see_change_or_delete_the_secrets_of_another() {
    let mut product = Product::start().await;
    let other = product.key_of("other", Level::FullAccess).await;
    let times = |listed: Value| listed["data"]["secrets"][0]["updated_at"].clone();
    product.api.put("/v1/secrets/token", &json!({"value": "mine"})).await.expect(200);
    let before = times(product.api.get("/v1/secrets").await.expect(200));
    assert!(names(&other).await.is_empty());
    other.delete("/v1/secrets/token").await.expect(404);
    other.put("/v1/secrets/token", &json!({"value": "theirs"})).await.expect(200);
    other.delete("/v1/secrets/token").await.expect(200);
    assert_eq!(times(product.api.get("/v1/secrets").await.expect(200)), before);
    product.stop().await;
}
