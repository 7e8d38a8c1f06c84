//! A consent lasts no longer than the key that was shown for it.

use gateway::key::{ApiKey, Level};
use serde_json::json;
use testkit::{Api, eventually};

use super::{Client, Stage, answered, asking, error_of, is_good};

/// A key of its own to consent with, made over the API.
struct Consenting {
    path: String,
    secret: String,
}

impl Consenting {
    async fn new(stage: &Stage) -> Self {
        let made = stage.full.post("/v1/api-keys", &json!({"name": "admin", "level": "full_access"})).await;
        let made = made.expect(201)["data"].clone();
        let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
        Self { path, secret: made["secret"].as_str().unwrap().to_owned() }
    }

    async fn code(&self, stage: &Stage, client: &Client) -> String {
        let page = stage.authorize(&asking(client, &[])).await;
        answered(&stage.decide(&page, "allow", &self.secret).await)["code"].clone()
    }

    async fn tokens(&self, stage: &Stage, client: &Client) -> (Api, String) {
        let code = self.code(stage, client).await;
        stage.both(&stage.exchange(client, &code, &[]).await.expect(200))
    }
}

async fn ends(stage: &Stage, client: &Client, api: &Api, refresh: &str) {
    eventually("the access token is refused", async || (!is_good(api).await).then_some(())).await;
    assert_eq!(error_of(stage.refresh(client, refresh).await, 400), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_revokes_a_key_ends_what_was_consented_to_with_it_and_nothing_else() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (theirs, robot) = (stage.tokens(&client, "read_only").await, stage.robot("read_only").await);
    let own = stage.own_token(&robot, "read_only").await;
    let key = Consenting::new(&stage).await;
    let (api, refresh) = key.tokens(&stage, &client).await;
    let code = key.code(&stage, &client).await;
    assert!(is_good(&api).await);

    stage.full.delete(&key.path).await.expect(200);

    ends(&stage, &client, &api, &refresh).await;
    assert_eq!(error_of(stage.exchange(&client, &code, &[]).await, 400), "invalid_grant");
    assert!(is_good(&theirs.0).await && is_good(&own).await);
    stage.refresh(&client, &theirs.1).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_consented_to_ends_when_the_keys_time_is_over() {
    let stage = Stage::start().await;
    let client = stage.client("confidential", "read_only").await;
    let key = Consenting::new(&stage).await;
    let (api, refresh) = key.tokens(&stage, &client).await;
    assert!(is_good(&api).await);
    let (_, id) = key.path.rsplit_once("api-key-").unwrap();
    stage.gateway.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{id}'")).await;
    ends(&stage, &client, &api, &refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_ends_nothing() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let key = Consenting::new(&stage).await;
    let (api, refresh) = key.tokens(&stage, &client).await;
    let code = key.code(&stage, &client).await;
    let rotated =
        stage.full.post(&format!("{}/rotate", key.path), &json!({"overlap": "0s"})).await.expect(200);
    let now = Api::new(&stage.gateway.base, rotated["data"]["secret"].as_str().unwrap());
    let before = now.with_key(&key.secret);
    eventually("the old secret is refused", async || (!is_good(&before).await).then_some(())).await;
    assert!(is_good(&api).await && is_good(&now).await);
    stage.exchange(&client, &code, &[]).await.expect(200);
    let (api, refresh) = stage.both(&stage.refresh(&client, &refresh).await.expect(200));
    assert!(is_good(&api).await);
    // The key that it is now ends it all the same.
    stage.full.delete(&key.path).await.expect(200);
    ends(&stage, &client, &api, &refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_by_an_operator_counts_as_well() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let key = ApiKey::generate();
    stage.gateway.store.add_key("default", "of the settings", Level::FullAccess, &key).await.unwrap();
    let key = Consenting { path: String::new(), secret: key.expose().to_owned() };
    let (api, refresh) = key.tokens(&stage, &client).await;
    stage.gateway.sql("UPDATE api_keys SET revoked_at = now() WHERE name = 'of the settings'").await;
    ends(&stage, &client, &api, &refresh).await;
}
