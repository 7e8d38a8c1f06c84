//! Conversations over the API: looking at them, people taking part, cancelling, retrying, erasing.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, eventually};

fn hand_over() -> Value {
    json!({"name": "Ask a person", "channel": "web", "configuration": {
    "trigger": {"type": "message", "keywords": ["human"]},
    "nodes": [
        {"id": "name", "type": "form", "next": "hand",
         "fields": [{"name": "name", "type": "text", "required": true, "label": "Who are you?"}]},
        {"id": "hand", "type": "handoff", "team": "sales", "note": "{{ vars.name }} asked", "next": "back"},
        {"id": "back", "type": "message", "content": "Welcome back, {{ vars.name }}"}
    ]}})
}

/// Fails until its condition can be evaluated: never.
fn breaks() -> Value {
    json!({"name": "Breaks", "channel": "web", "configuration": {
        "trigger": {"type": "message", "keywords": ["break"]},
        "nodes": [{"id": "broken", "type": "condition", "branches": [{"when": "vars.nothing > 1", "next": "broken"}]}]}})
}

async fn post(api: &Api, path: &str, body: &Value, status: u16) -> Value {
    api.post(path, body).await.expect(status)["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_takes_part_in_a_conversation() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&hand_over()).await;
    api.say("ann", "a human").await;
    let path =
        format!("/v1/conversations/{}", api.say("ann", "Ann").await["conversation_id"].as_str().unwrap());

    let stands = api.get(&path).await.expect(200)["data"].clone();
    assert_eq!((&stands["state"], &stands["node_id"]), (&json!("with_human"), &json!("hand")));
    assert_eq!(stands["workflow_id"], json!(workflow));
    assert_eq!(stands["variables"], json!({"name": "Ann"}));
    assert_eq!(stands["waiting_because"]["reason"], "human");
    let owner = &stands["owner"];
    assert_eq!(
        (&owner["kind"], &owner["team"], &owner["note"]),
        (&json!("human"), &json!("sales"), &json!("Ann asked"))
    );
    let listed = api.get("/v1/conversations?owner=human").await.expect(200);
    assert_eq!(
        (listed["data"][0]["id"].clone(), listed["pagination"]["total"].clone()),
        (stands["id"].clone(), json!(1))
    );
    assert_eq!(listed["data"][0].get("variables"), None);

    let waits = api.say("ann", "anybody?").await;
    assert_eq!(
        (&waits["status"], &waits["reason"], &waits["execution"]),
        (&json!("handled"), &json!("with_person"), &Value::Null)
    );
    let message =
        format!("/v1/messages/{}?channel=web&customer_id=ann", waits["message_id"].as_str().unwrap());
    assert_eq!(api.get(&message).await.expect(200)["data"]["reason"], "with_person");
    let assigned = post(
        api,
        &format!("{path}/assign"),
        &json!({"team": "sales", "agent": "eve", "return_after": "1h"}),
        200,
    )
    .await;
    assert_eq!((&assigned["owner"]["agent"], &assigned["owner"]["epoch"]), (&json!("eve"), &json!(2)));
    let sent = post(api, &format!("{path}/messages"), &json!({"message": "Eve here"}), 202).await;
    assert_eq!(sent["status"], "sent");
    let released = post(api, &format!("{path}/release"), &json!({}), 200).await;
    assert_eq!((&released["state"], &released["owner"]["kind"]), (&json!("idle"), &json!("bot")));
    post(api, &format!("{path}/release"), &json!({}), 200).await;
    let refused = api.post(&format!("{path}/messages"), &json!({"message": "too late"})).await.expect(409);
    assert_eq!(refused["error"]["code"], "CONFLICT");

    let said = api.get(&format!("{path}/messages?limit=100")).await.expect(200);
    let said: Vec<(&str, &str)> = said["data"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|one| (one["from"].as_str().unwrap(), one["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("customer", "a human"),
            ("bot", "Who are you?"),
            ("customer", "Ann"),
            ("customer", "anybody?"),
            ("human", "Eve here"),
            ("bot", "Welcome back, Ann"),
        ]
    );
    let events = api.get(&format!("{path}/events?after_seq=3&limit=100")).await.expect(200);
    let numbers: Vec<u64> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["conversation_seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (4..=events["last_seq"].as_u64().unwrap()).collect::<Vec<_>>());
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_makes_no_sense_is_refused() {
    let mut product = Product::start().await;
    let api = &product.api;
    let mine =
        format!("/v1/conversations/{}", api.say("ann", "hello").await["conversation_id"].as_str().unwrap());
    let stranger = product.key_of("other", gateway::key::Level::FullAccess).await;
    let reader = product.key_of("default", gateway::key::Level::ReadOnly).await;
    for path in [
        mine.as_str(),
        "/v1/conversations/nothing",
        "/v1/conversations/conversation-00000000-0000-0000-0000-000000000000",
    ] {
        for part in ["", "/messages", "/events"] {
            let unknown = stranger.get(&format!("{path}{part}")).await.expect(404);
            assert_eq!(unknown["error"]["code"], "CONVERSATION_NOT_FOUND", "{path}{part}");
        }
        for part in ["assign", "release", "cancel"] {
            stranger.post(&format!("{path}/{part}"), &json!({})).await.expect(404);
        }
        stranger.post(&format!("{path}/messages"), &json!({"message": "hi"})).await.expect(404);
    }
    reader.get(&mine).await.expect(200);
    reader.post(&format!("{mine}/assign"), &json!({})).await.expect(403);
    for (body, field) in [
        (json!({"return_after": "soon"}), "return_after"),
        (json!({"return_after": "0s"}), "return_after"),
        (json!({"agent": " "}), "agent"),
        (json!({"team": "a\u{7}"}), "team"),
        (json!({"note": "\0"}), "note"),
        (json!({"boss": "eve"}), "boss"),
    ] {
        let refused = api.post(&format!("{mine}/assign"), &body).await.expect(400);
        assert_eq!(refused["error"]["field"], field, "{body}");
    }
    let refused = api.get(&format!("{mine}/events?after_seq=-1")).await.expect(400);
    assert_eq!(refused["error"]["field"], "after_seq");
    let refused = api.get(&format!("{mine}/messages?cursor=nonsense")).await.expect(400);
    assert_eq!(refused["error"]["field"], "cursor");
    api.get("/v1/conversations?owner=nobody").await.expect(400);
    assert!(!api.get("/v1/conversations").await.expect(200)["data"].as_array().unwrap().is_empty());
    assert!(stranger.get("/v1/conversations").await.expect(200)["data"].as_array().unwrap().is_empty());
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_are_cancelled_and_retried() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&breaks()).await;
    let failed = api.say("ann", "break it").await["execution"].clone();
    assert_eq!(failed["status"], "failed");
    let path = format!("/v1/workflows/{workflow}/executions/{}", failed["id"].as_str().unwrap());
    api.post(&format!("{path}/cancel"), &json!({})).await.expect(409);
    let again = api.request(Method::POST, &format!("{path}/retry")).header("prefer", "wait=10");
    assert_eq!(api.send(again).await.expect(500)["error"]["code"], "WORKFLOW_EXECUTION_FAILED");
    api.post(&format!("{path}/retry"), &json!({})).await.expect(409);
    let listed = api.get(&format!("/v1/workflows/{workflow}/executions")).await.expect(200);
    assert_eq!(
        (&listed["data"][0]["retry_of"], &listed["data"][1]["retry_of"]),
        (&failed["id"], &Value::Null)
    );
    let newest = format!("/v1/workflows/{workflow}/executions/{}", listed["data"][0]["id"].as_str().unwrap());
    let accepted = api.post(&format!("{newest}/retry"), &json!({})).await.expect(202);
    eventually("it ran", || async {
        let found = api
            .get(&format!("/v1/workflows/{workflow}/executions/{}", accepted["data"]["id"].as_str().unwrap()))
            .await;
        (found.status == 200).then_some(())
    })
    .await;
    let unknown = "execution-01a20acf-9d55-740b-a930-a6d23b7b2563";
    for part in ["cancel", "retry"] {
        api.post(&format!("/v1/workflows/{workflow}/executions/{unknown}/{part}"), &json!({}))
            .await
            .expect(404);
    }
    let numbers = api.get(&format!("/v1/workflows/{workflow}")).await.expect(200);
    assert_eq!(numbers["data"]["execution_count"], 3);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_erased_with_a_count_of_what_went() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&hand_over()).await;
    api.say("ann/ä", "a human").await;
    api.say("ann/ä", "Ann Secret").await;
    api.say("ann/ä", "Secret, too").await;
    product.bury("ann/ä", "m-9", "Secret again").await;
    let erased = api.delete("/v1/customers/ann%2F%C3%A4").await.expect(200)["data"].clone();
    assert_eq!(
        erased,
        json!({"customer_id": "ann/ä", "conversations": 1, "executions": 2, "messages": 4, "dead_letters": 1})
    );
    let erased = api.delete("/v1/customers/ann%2F%C3%A4").await.expect(200)["data"].clone();
    assert_eq!(erased["conversations"], 0);
    assert_eq!(
        api.get("/v1/conversations?customer_id=ann%2F%C3%A4").await.expect(200)["pagination"]["total"],
        0
    );
    let listed = api.get(&format!("/v1/workflows/{workflow}/executions")).await;
    assert!(!listed.text.contains("Secret") && !listed.text.contains("ann/ä"), "{}", listed.text);
    assert_eq!(listed.expect(200)["pagination"]["total"], 2);
    let writer = product.key_of("default", gateway::key::Level::ReadWrite).await;
    writer.delete("/v1/customers/bob").await.expect(403);
    product.stop().await;
}
