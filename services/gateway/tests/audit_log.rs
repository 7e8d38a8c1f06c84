//! Who changed what: a row for each change, to which nothing can be done.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Gateway;
use gateway::audit::{By, Change, Log};
use gateway::key::{ApiKey, Level};
use gateway::store::SCHEMA;
use pg::PgConfig;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, eventually};

const LOG: &str = "/v1/audit-log";
const KEYS: &str = "/v1/api-keys";

async fn rows(api: &Api, query: &str) -> Vec<Value> {
    let list = api.get(&format!("{LOG}?{query}")).await.expect(200);
    list["data"].as_array().unwrap().clone()
}

fn actions(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["action"].as_str().unwrap()).collect()
}

fn body(name: &str) -> Value {
    json!({"name": name, "level": "read_only"})
}

/// The id of a key that was made.
async fn make(api: &Api, name: &str) -> String {
    let made = api.post(KEYS, &body(name)).await.expect(201);
    made["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_has_a_row_that_says_who_what_when_and_from_where() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let own = api.get("/v1/account").await.expect(200)["data"]["key"]["id"].clone();
    let request = api.request(Method::POST, KEYS).header("x-request-id", "mine-1").json(&body("a"));
    let made = api.send(request).await.expect(201)["data"]["id"].clone();
    api.delete(&format!("{KEYS}/{}", made.as_str().unwrap())).await.expect(200);

    let rows = rows(&api, "").await;
    assert_eq!(actions(&rows), ["revokeApiKey", "createApiKey"]);
    let [revoked, created] = &rows[..] else { panic!("two rows") };
    for (row, status) in [(created, 201), (revoked, 200)] {
        assert_eq!((&row["key_id"], &row["key_name"]), (&own, &json!("test")));
        assert_eq!((&row["resource_id"], &row["status"]), (&made, &json!(status)));
        assert_eq!(row["remote_address"], "127.0.0.1");
        let at: chrono::DateTime<chrono::Utc> = row["at"].as_str().unwrap().parse().unwrap();
        assert!((platform::clock::now() - at).abs() < chrono::TimeDelta::minutes(5));
    }
    assert_eq!(created["request_id"], "mine-1");
    assert!(revoked["request_id"].as_str().unwrap().starts_with("request-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_path_is_the_same_change() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let keyed = || {
        let request = api.request(Method::POST, "/v1/%61pi%2Dkeys").header("idempotency-key", "once");
        api.send(request.json(&body("a")))
    };
    let made = keyed().await.expect(201)["data"]["id"].clone();
    assert_eq!(keyed().await.expect(201)["data"]["id"], made);
    api.delete(&format!("/v1/api-%6Beys/{}", made.as_str().unwrap())).await.expect(200);
    assert_eq!(actions(&rows(&api, "").await), ["revokeApiKey", "createApiKey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_changes_and_forbidden_ones_have_rows() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let (reader, _) = gateway.key(Level::ReadOnly).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    api.get(KEYS).await.expect(200);
    api.post(KEYS, &json!({})).await.expect(400);
    api.delete(&format!("{KEYS}/api-key-1")).await.expect(404);
    api.with_key("").post(KEYS, &body("a")).await.expect(401);
    api.post("/v1/messages", &message).await.expect(202);
    reader.post("/v1/messages", &message).await.expect(403);
    assert_eq!(rows(&api, "").await, Vec::<Value>::new());

    reader.post(KEYS, &body("a")).await.expect(403);
    let request = reader.request(Method::POST, KEYS).header("idempotency-key", "k").json(&body("a"));
    reader.send(request).await.expect(403);
    let rows = rows(&api, "").await;
    assert_eq!(actions(&rows), ["createApiKey", "createApiKey"]);
    assert!(rows.iter().all(|row| row["status"] == 403 && row["resource_id"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_again_has_the_row_of_the_first_time() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    for _ in 0..2 {
        let request = api.request(Method::POST, KEYS).header("idempotency-key", "k").json(&body("a"));
        api.send(request).await.expect(201);
    }
    assert_eq!(actions(&rows(&api, "").await), ["createApiKey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_action_actor_and_time_and_come_in_pages() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let first = make(&api, "one").await;
    make(&api, "two").await;
    api.post(&format!("{KEYS}/{first}/rotate"), &json!({})).await.expect(200);
    let own = api.get("/v1/account").await.expect(200)["data"]["key"]["id"].clone();
    let own = own.as_str().unwrap();

    let all = ["rotateApiKey", "createApiKey", "createApiKey"];
    let today = platform::clock::now().format("%Y-%m-%d").to_string();
    for (query, expected) in [
        (String::new(), &all[..]),
        ("action=rotateApiKey".to_owned(), &all[..1]),
        ("action=createWorkflow".to_owned(), &[]),
        (format!("actor={own}"), &all),
        ("actor=test".to_owned(), &all),
        ("actor=operator".to_owned(), &[]),
        (format!("actor={first}"), &[]),
        ("from=2020-01-01&to=9999-01-01".to_owned(), &all),
        ("to=2020-01-01".to_owned(), &[]),
        ("from=9999-01-01".to_owned(), &[]),
        (format!("to={today}&limit=1"), &all[..1]),
        ("limit=2&page=2".to_owned(), &all[2..]),
    ] {
        assert_eq!(actions(&rows(&api, &query).await), expected, "{query}");
    }
    let page = api.get(&format!("{LOG}?limit=2&actor=test")).await.expect(200);
    assert_eq!((&page["pagination"]["total"], &page["pagination"]["pages"]), (&json!(3), &json!(2)));
    let cursor = page["pagination"]["next_cursor"].as_str().unwrap();
    assert_eq!(actions(&rows(&api, &format!("limit=2&actor=test&cursor={cursor}")).await), &all[2..]);
    for (query, field) in [
        (format!("cursor={cursor}"), "cursor"),
        ("action=no-id".to_owned(), "action"),
        ("actor=".to_owned(), "actor"),
        ("from=soon".to_owned(), "from"),
        ("from=2024-02-01&to=2024-01-01".to_owned(), "to"),
        ("who=me".to_owned(), "who"),
    ] {
        let refused = api.get(&format!("{LOG}?{query}")).await.expect(400);
        assert_eq!(refused["error"]["field"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_its_own_rows_only_and_with_a_full_access_key() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    make(&api, "one").await;
    let stranger = ApiKey::generate();
    gateway.store.add_key("other", "test", Level::FullAccess, &stranger).await.unwrap();
    assert_eq!(rows(&api.with_key(stranger.expose()), "").await, Vec::<Value>::new());
    for level in [Level::ReadOnly, Level::ReadWrite] {
        gateway.key(level).await.0.get(LOG).await.expect(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_change_a_row_or_remove_one() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    make(&api, "one").await;
    let client = pg::raw::connect(&PgConfig::for_url(&gateway.database_url), SCHEMA).await.unwrap();
    for statement in ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
        let refused = client.batch_execute(statement).await.unwrap_err();
        let message = refused.as_db_error().unwrap().message().to_owned();
        assert_eq!(message, "the audit log is only added to", "{statement}");
    }
    for method in [Method::DELETE, Method::PUT, Method::POST] {
        api.send(api.request(method, LOG)).await.expect(405);
    }
    assert_eq!(actions(&rows(&api, "").await), ["createApiKey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_row_cannot_be_written_says_so() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    gateway.sql("ALTER TABLE audit_log RENAME TO elsewhere").await;
    let refused = api.post(KEYS, &body("a")).await.expect(503);
    let details = refused["error"]["details"].as_str().unwrap().to_owned();
    assert!(details.contains("could not be written to the audit log"), "{details}");
    gateway.sql("ALTER TABLE elsewhere RENAME TO audit_log").await;
    assert_eq!(api.get(KEYS).await.expect(200)["pagination"]["total"], 2, "it was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_its_time_goes_and_the_rest_stays() {
    let gateway = Gateway::start().await;
    let (api, key) = gateway.key(Level::FullAccess).await;
    make(&api, "one").await;
    // Made at the beginning of 2024.
    gateway
        .sql(
            "INSERT INTO audit_log (id, account_id, at, actor, action, status, request_id)
             SELECT ('018cc251-f400-7000-8000-' || lpad(n::text, 12, '0'))::uuid, account_id, '2024-01-01', 'x', 'old', 200, ''
             FROM audit_log, generate_series(1, 1001) AS n",
        )
        .await;
    assert_eq!(api.get(&format!("{LOG}?to=2024-01-01")).await.expect(200)["pagination"]["total"], 1001);
    let other = Gateway::on(&gateway.database_url, &["--keep-audit-days", "1"]).await;
    let api = Api::new(&other.base, key.expose());
    eventually("the old rows are gone", async || {
        (actions(&rows(&api, "").await) == ["createApiKey"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_trusted_says_where_a_request_comes_from() {
    let database = Gateway::start().await.database_url.clone();
    for (settings, expected) in
        [(&[][..], "127.0.0.1"), (&["--trusted-proxies", "10.0.0.0/8,127.0.0.1"], "198.51.100.7")]
    {
        let gateway = Gateway::on(&database, settings).await;
        let (api, _) = gateway.key(Level::FullAccess).await;
        let request = api.request(Method::POST, KEYS).header("x-forwarded-for", "203.0.113.9, 198.51.100.7");
        api.send(request.json(&body("a"))).await.expect(201);
        assert_eq!(rows(&api, "limit=1").await[0]["remote_address"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_did_is_told_from_what_keys_did() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let change = Change {
        account: flow_model::AccountId::named("default"),
        by: By::Operator,
        action: "revokeApiKey",
        resource: Some("api-key-1".to_owned()),
        status: 200,
        request_id: String::new(),
        remote_address: None,
    };
    Log::new(gateway.store.clone()).write(&change).await.unwrap();
    let rows = rows(&api, "actor=operator").await;
    assert_eq!(actions(&rows), ["revokeApiKey"]);
    assert_eq!((&rows[0]["key_id"], &rows[0]["remote_address"]), (&Value::Null, &Value::Null));
}
