//! `conversations` and what is done to executions: seeing who talks with whom, and taking part.

use serde_json::{Value, json};

use super::told;
use crate::support::Product;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_person_takes_part_from_the_terminal() {
    let mut product = Product::start().await;
    product.api.run(&hand_over()).await;
    product.api.say("ann", "a human").await;
    let id = product.api.say("ann", "Ann").await["conversation_id"].as_str().unwrap().to_owned();
    product.api.say("bob", "hello?").await;

    let all = told(&product, &["conversations", "list", "--channel", "web", "--json"]).json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    let table = told(&product, &["conversations", "list", "--owner", "human"]).out();
    assert!(
        table.contains("HAS IT") && table.contains("somebody of sales") && table.contains(&id),
        "{table}"
    );
    assert!(!table.contains("bob"), "{table}");
    let shown = told(&product, &["conversations", "show", &id]).out();
    for expected in ["with_human", "ann over web", "Ann asked", "at hand", "human since", "name = Ann"] {
        assert!(shown.contains(expected), "no {expected} in\n{shown}");
    }

    let assign =
        ["conversations", "assign", &id, "--team", "sales", "--agent", "eve", "--return-after", "1h"];
    assert_eq!(told(&product, &assign).out(), format!("✓ eve of sales has {id}\n"));
    let sent = told(&product, &["conversations", "say", &id, "Eve here"]).out();
    assert!(sent.ends_with(" is sent\n"), "{sent}");
    let released = told(&product, &["conversations", "release", &id]).out();
    assert_eq!(released, format!("✓ the bot has {id}\n"));
    let late = told(&product, &["conversations", "say", &id, "too late"]).complaint(1);
    assert!(late.contains("CONFLICT"), "{late}");

    let said = told(&product, &["conversations", "messages", &id, "--limit", "2", "--json"]).json();
    let said: Vec<(&str, &str)> = said
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["from"].as_str().unwrap(), one["message"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("human", "Eve here"), ("bot", "Welcome back, Ann")]);
    let table = told(&product, &["conversations", "messages", &id]).out();
    assert!(table.contains("eve ") && table.contains("Who are you?"), "{table}");

    let unknown = "conversation-00000000-0000-7000-8000-000000000000";
    assert!(told(&product, &["conversations", "show", unknown]).complaint(1).contains("NOT_FOUND"));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_cancelled_and_a_failed_one_tried_again() {
    let mut product = Product::start().await;
    product.api.run(&hand_over()).await;
    let id = product.api.say("ann", "a human").await["conversation_id"].as_str().unwrap().to_owned();
    let cancelled = told(&product, &["conversations", "cancel", &id]).out();
    assert_eq!(cancelled, format!("✓ {id} is in no flow any more\n"));
    assert_eq!(told(&product, &["conversations", "show", &id, "--json"]).json()["state"], "idle");

    let waits = json!({"name": "Waits", "channel": "web", "configuration": {
        "trigger": {"type": "message", "keywords": ["wait"]},
        "nodes": [{"id": "call", "type": "http_request", "method": "GET", "url": "http://127.0.0.1:1/"}]}});
    product.api.run(&waits).await;
    let failed = product.api.say("bob", "wait").await["execution"]["id"].as_str().unwrap().to_owned();
    let again = told(&product, &["executions", "retry", "Waits", &failed, "--json"]).json();
    let shown =
        told(&product, &["executions", "get", "Waits", again["id"].as_str().unwrap(), "--json"]).json();
    assert_eq!(shown["retry_of"], json!(failed), "{shown:#}");
    let over = told(&product, &["executions", "cancel", "Waits", &failed]).complaint(1);
    assert!(over.contains("CONFLICT"), "{over}");
    product.stop().await;
}
