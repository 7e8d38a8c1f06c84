//! Keys over the API: made, shown, rotated, revoked.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Gateway;
use gateway::key::{ApiKey, Level};
use serde_json::{Value, json};
use testkit::{Api, eventually};

const KEYS: &str = "/v1/api-keys";

/// A key that was made over the API: what was answered, and a client that holds it.
async fn make(by: &Api, body: &Value) -> (Value, Api) {
    let made = by.post(KEYS, body).await.expect(201)["data"].clone();
    let api = by.with_key(made["secret"].as_str().unwrap());
    (made, api)
}

fn path_of(key: &Value) -> String {
    format!("{KEYS}/{}", key["id"].as_str().unwrap())
}

async fn status_of(api: &Api) -> u16 {
    api.get("/v1/account").await.status
}

async fn refused(api: &Api) {
    eventually("the key is refused", || async { (status_of(api).await == 401).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_and_its_secret_shown_once() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let body = json!({"name": "CI", "level": "read_only", "limits": {"write": 7}, "expires_at": "2127-01-31T10:30:00+01:00"});
    let answer = full.post(KEYS, &body).await;
    let location = answer.header("location").to_owned();
    let mut made = answer.expect(201)["data"].clone();
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    let secret = secret.as_str().unwrap();
    assert!(ApiKey::parse(secret).is_ok());
    assert_eq!(location, path_of(&made));
    assert_eq!(made["limits"], json!({"read": null, "write": 7, "delete": null, "execution": null}));
    for (name, value) in [
        ("name", json!("CI")),
        ("level", json!("read_only")),
        ("status", json!("active")),
        ("expires_at", json!("2127-01-31T09:30:00.000Z")),
        ("revoked_at", Value::Null),
        ("rotated_at", Value::Null),
        ("overlap_until", Value::Null),
        ("last_used_at", Value::Null),
    ] {
        assert_eq!(made[name], value, "{name}");
    }

    for path in [KEYS, &location] {
        let shown = full.get(path).await;
        assert!(!shown.text.contains(secret) && shown.text.contains(made["id"].as_str().unwrap()));
    }
    assert_eq!(full.get(&location).await.expect(200)["data"], made);
    let made = full.with_key(secret);
    made.get("/v1/account").await.expect(200);
    made.delete(&location).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_made_is_told_whatever_follows() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let (kept, _) = make(&full, &json!({"name": "kept", "level": "read_only"})).await;
    // Nobody finds the key again once the change is committed.
    gateway
        .sql(
            "CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                 DELETE FROM gateway.retired_secrets WHERE key_id = NEW.id;
                 DELETE FROM gateway.api_keys WHERE id = NEW.id;
                 RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER vanish AFTER INSERT OR UPDATE ON api_keys DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (NEW.name = 'gone' OR NEW.rotated_at IS NOT NULL) EXECUTE FUNCTION vanish()",
        )
        .await;
    let made = full.post(KEYS, &json!({"name": "gone", "level": "read_only"})).await.expect(201);
    let rotated = full.post(&format!("{}/rotate", path_of(&kept)), &json!({})).await.expect(200);
    for told in [&made["data"], &rotated["data"]] {
        assert!(ApiKey::parse(told["secret"].as_str().unwrap()).is_ok());
        full.get(&path_of(told)).await.expect(404);
    }
    assert_eq!(rotated["data"]["id"], kept["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_full_access_key_may_touch_keys() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    for (level, expected) in [
        (Level::ReadOnly, [403; 5]),
        (Level::ReadWrite, [403; 5]),
        (Level::FullAccess, [201, 200, 200, 200, 200]),
    ] {
        let (api, _) = gateway.key(level).await;
        let (key, _) = make(&full, &json!({"name": "x", "level": "full_access"})).await;
        let path = path_of(&key);
        let statuses = [
            api.post(KEYS, &json!({"name": "y", "level": "read_only"})).await.status,
            api.get(KEYS).await.status,
            api.get(&path).await.status,
            api.post(&format!("{path}/rotate"), &json!({})).await.status,
            api.delete(&path).await.status,
        ];
        assert_eq!(statuses, expected, "{level:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_keys_are_refused_with_the_field_to_blame_and_make_nothing() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    gateway.sql("UPDATE accounts SET limits = '{\"read\": 5, \"write\": 2000}'").await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"name": "x", "level": "read_only"});
        body[name] = value;
        body
    };
    for (body, code, field) in [
        (json!({}), "MISSING_REQUIRED_FIELD", "name"),
        (json!({"name": "x"}), "MISSING_REQUIRED_FIELD", "level"),
        (with("name", json!("  ")), "MISSING_REQUIRED_FIELD", "name"),
        (with("name", json!("x".repeat(101))), "INVALID_REQUEST", "name"),
        (with("name", json!("a\u{0}b")), "INVALID_REQUEST", "name"),
        (with("level", json!("root")), "INVALID_REQUEST", "level"),
        (with("level", json!(3)), "INVALID_REQUEST", "level"),
        (with("account", json!("other")), "INVALID_REQUEST", "account"),
        (with("secret", json!("tl_x")), "INVALID_REQUEST", "secret"),
        (with("limits", json!({"read": 6})), "INVALID_REQUEST", "limits.read"),
        (with("limits", json!({"delete": 51})), "INVALID_REQUEST", "limits.delete"),
        (with("limits", json!({"all": 1})), "INVALID_REQUEST", "limits.all"),
        (with("expires_at", json!("2020-01-01T00:00:00Z")), "INVALID_REQUEST", "expires_at"),
        (with("expires_at", json!("tomorrow")), "INVALID_REQUEST", "expires_at"),
    ] {
        let error = full.post(KEYS, &body).await.expect(400)["error"].clone();
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), Some(field)), "{body}");
    }
    assert_eq!(full.get(KEYS).await.expect(200)["pagination"]["total"], 1);
    make(&full, &with("limits", json!({"read": 5, "write": 2000}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_has_two_secrets_until_the_overlap_is_over() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let (key, first) = make(&full, &json!({"name": "x", "level": "read_only"})).await;
    let rotate = format!("{}/rotate", path_of(&key));

    // Without a body, too.
    let rotated = full.send(full.request(reqwest::Method::POST, &rotate)).await.expect(200)["data"].clone();
    assert_eq!((&rotated["id"], &rotated["created_at"]), (&key["id"], &key["created_at"]));
    let time = |name: &str| rotated[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(time("overlap_until") - time("rotated_at"), chrono::TimeDelta::days(1));
    let second = full.with_key(rotated["secret"].as_str().unwrap());
    for api in [&first, &second] {
        assert_eq!(api.get("/v1/account").await.expect(200)["data"]["key"]["id"], key["id"]);
    }

    // As if a day had passed.
    gateway.sql("UPDATE retired_secrets SET valid_until = now()").await;
    refused(&first).await;
    assert_eq!(status_of(&second).await, 200);
    assert_eq!(full.get(&path_of(&key)).await.expect(200)["data"]["overlap_until"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_ends_those_before_it_at_the_latest() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let (key, first) = make(&full, &json!({"name": "x", "level": "read_only"})).await;
    let rotate = format!("{}/rotate", path_of(&key));
    let mut secrets = vec![first];
    for _ in 0..4 {
        let rotated = full.post(&rotate, &json!({"overlap": "P30D"})).await.expect(200);
        secrets.push(full.with_key(rotated["data"]["secret"].as_str().unwrap()));
    }
    for api in &secrets {
        assert_eq!(status_of(api).await, 200);
    }
    let refusal = full.post(&rotate, &json!({"overlap": "P30D"})).await.expect(409);
    assert_eq!(refusal["error"]["code"], "CONFLICT");
    for overlap in ["31d", "-1s", "soon"] {
        let refusal = full.post(&rotate, &json!({"overlap": overlap})).await.expect(400);
        assert_eq!(refusal["error"]["field"], "overlap", "{overlap}");
    }

    let rotated = full.post(&rotate, &json!({"overlap": "0s"})).await.expect(200)["data"].clone();
    assert_eq!(rotated["overlap_until"], Value::Null);
    for api in &secrets {
        refused(api).await;
    }
    assert_eq!(status_of(&full.with_key(rotated["secret"].as_str().unwrap())).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_by_every_gateway_with_all_its_secrets() {
    let gateway = Gateway::start().await;
    let other = Gateway::on(&gateway.database_url, &[]).await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let (key, first) = make(&full, &json!({"name": "x", "level": "full_access"})).await;
    let path = path_of(&key);
    let rotated = full.post(&format!("{path}/rotate"), &json!({})).await.expect(200)["data"].clone();
    let second = full.with_key(rotated["secret"].as_str().unwrap());
    let elsewhere = |api: &Api| Api::new(&other.base, api.key());
    let all = [first.clone(), second.clone(), elsewhere(&first), elsewhere(&second)];
    for api in &all {
        assert_eq!(status_of(api).await, 200);
    }

    // It may revoke itself.
    let message = second.delete(&path).await.expect(200);
    assert_eq!(message, json!({"message": "API key revoked successfully"}));
    for api in &all {
        refused(api).await;
    }
    let shown = full.get(&path).await.expect(200)["data"].clone();
    assert_eq!(shown["status"], "revoked");
    full.delete(&path).await.expect(200);
    assert_eq!(full.get(&path).await.expect(200)["data"]["revoked_at"], shown["revoked_at"]);
    let conflict = full.post(&format!("{path}/rotate"), &json!({})).await.expect(409);
    assert_eq!(conflict["error"]["details"], "The key is revoked and stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_another_account_are_seen_by_nobody() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let (key, made) = make(&full, &json!({"name": "x", "level": "read_only"})).await;
    let stranger = ApiKey::generate();
    gateway.store.add_key("other", "test", Level::FullAccess, &stranger).await.unwrap();
    let stranger = Api::new(&gateway.base, stranger.expose());
    let path = path_of(&key);
    for answer in [
        stranger.get(&path).await,
        stranger.delete(&path).await,
        stranger.post(&format!("{path}/rotate"), &json!({})).await,
        stranger.get(&format!("{KEYS}/api-key-1")).await,
    ] {
        assert_eq!(answer.expect(404)["error"]["code"], "API_KEY_NOT_FOUND");
    }
    assert_eq!(stranger.get(KEYS).await.expect(200)["pagination"]["total"], 1);
    assert_eq!(status_of(&made).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_newest_first_by_status_and_page() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let mut made = Vec::new();
    for name in ["one", "two", "three"] {
        made.push(make(&full, &json!({"name": name, "level": "read_only"})).await.0);
    }
    full.delete(&path_of(&made[0])).await.expect(200);
    gateway.sql("UPDATE api_keys SET expires_at = now() WHERE name = 'two'").await;
    let names = |list: &Value| -> Vec<String> {
        let data = list["data"].as_array().unwrap();
        data.iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    };
    let list = async |query: &str| full.get(&format!("{KEYS}?{query}")).await.expect(200);

    assert_eq!(names(&list("").await), ["three", "two", "one", "test"]);
    assert_eq!(names(&list("status=active").await), ["three", "test"]);
    assert_eq!(names(&list("status=expired").await), ["two"]);
    assert_eq!(names(&list("status=revoked").await), ["one"]);
    assert_eq!(names(&list("limit=3&page=2").await), ["test"]);
    let page = list("limit=3").await;
    assert_eq!((&page["pagination"]["total"], &page["pagination"]["pages"]), (&json!(4), &json!(2)));
    let cursor = page["pagination"]["next_cursor"].as_str().unwrap();
    let next = list(&format!("limit=3&cursor={cursor}")).await;
    assert_eq!((names(&next), &next["pagination"]["next_cursor"]), (vec!["test".to_owned()], &Value::Null));
    let wrong = full.get(&format!("{KEYS}?status=active&cursor={cursor}")).await.expect(400);
    assert_eq!(wrong["error"]["field"], "cursor");
    let conflict = full.post(&format!("{}/rotate", path_of(&made[1])), &json!({})).await.expect(409);
    assert_eq!(conflict["error"]["details"], "The key is expired and stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_is_noted_in_the_background_and_once_a_minute_at_most() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let (busy, api) = make(&full, &json!({"name": "busy", "level": "read_only"})).await;
    let (fresh, other) = make(&full, &json!({"name": "fresh", "level": "read_only"})).await;
    gateway.sql("UPDATE api_keys SET last_used_at = now() - interval '30 seconds' WHERE name = 'busy'").await;
    let last_use =
        async |key: &Value| full.get(&path_of(key)).await.expect(200)["data"]["last_used_at"].clone();
    let before = last_use(&busy).await;
    assert_eq!(status_of(&api).await, 200);
    assert_eq!(status_of(&other).await, 200);

    // Both were noted before, and are written together.
    eventually("the use is written", || async { last_use(&fresh).await.is_string().then_some(()) }).await;
    assert_eq!(last_use(&busy).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_account_and_what_the_key_may_do() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    gateway.sql("UPDATE accounts SET limits = '{\"read\": 5000}'").await;
    let (key, api) =
        make(&full, &json!({"name": "dashboard", "level": "read_only", "limits": {"read": 70}})).await;
    let seen = api.get("/v1/account").await.expect(200)["data"].clone();
    assert_eq!(
        (&seen["name"], seen["id"].as_str().unwrap().starts_with("account-")),
        (&json!("default"), true)
    );
    assert_eq!(seen["limits"], json!({"read": 5000, "write": 100, "delete": 50, "execution": 500}));
    let shown = &seen["key"];
    assert_eq!((&shown["id"], &shown["name"], &shown["level"]), (&key["id"], &key["name"], &key["level"]));
    assert_eq!(shown["limits"], json!({"read": 70, "write": 100, "delete": 50, "execution": 500}));
    let may = |operation: &str| shown["operations"].as_array().unwrap().contains(&json!(operation));
    assert!(may("getAccount") && may("listWorkflows") && !may("createWorkflow") && !may("createApiKey"));
    let all = full.get("/v1/account").await.expect(200)["data"]["key"]["operations"].clone();
    assert!(all.as_array().unwrap().contains(&json!("createApiKey")));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_ended_long_ago_are_forgotten_and_configured_ones_never() {
    let gateway = Gateway::start().await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let mut made = Vec::new();
    for name in ["active", "recent", "revoked", "expired"] {
        let (key, _) = make(&full, &json!({"name": name, "level": "read_only"})).await;
        full.post(&format!("{}/rotate", path_of(&key)), &json!({"overlap": "1h"})).await.expect(200);
        made.push(key);
    }
    gateway
        .sql(
            "UPDATE retired_secrets SET valid_until = now() WHERE key_id IN (SELECT id FROM api_keys WHERE name <> 'active');
             UPDATE api_keys SET revoked_at = now() - interval '399 days' WHERE name = 'recent';
             UPDATE api_keys SET revoked_at = now() - interval '401 days' WHERE name IN ('revoked', 'test');
             UPDATE api_keys SET expires_at = now() - interval '401 days' WHERE name = 'expired'",
        )
        .await;
    assert_eq!(gateway.store.forget_keys().await.unwrap(), 2);
    assert_eq!(gateway.store.forget_keys().await.unwrap(), 0);
    // The one of the settings is the test's own.
    assert_eq!(gateway.count("api_keys").await, 3);
    assert_eq!(gateway.count("retired_secrets").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_key_that_was_rotated_away_does_not_come_back() {
    let gateway = Gateway::start().await;
    let bootstrap = ApiKey::generate();
    let settings = ["--bootstrap-key", bootstrap.expose()];
    let first = Gateway::on(&gateway.database_url, &settings).await;
    let api = Api::new(&first.base, bootstrap.expose());
    let id = api.get("/v1/account").await.expect(200)["data"]["key"]["id"].clone();
    let path = format!("{KEYS}/{}/rotate", id.as_str().unwrap());
    api.post(&path, &json!({"overlap": "0s"})).await.expect(200);
    let again = Gateway::on(&gateway.database_url, &settings).await;
    assert_eq!(status_of(&Api::new(&again.base, bootstrap.expose())).await, 401);
}
