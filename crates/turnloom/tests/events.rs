//! What subscribers get is what the AsyncAPI document says, no less and no more.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::support::Product;
use bus::events::{Begin, Subscription};
use bus::{Bus, BusConfig};
use contracts::subject;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{PATIENCE, workflows};
use tokio::time::Instant;

/// Types of events there are.
const TYPES: usize = 9;

fn document() -> Value {
    serde_json::from_str(&execution_runner::asyncapi()).unwrap()
}

/// The schema of a channel's messages, in which members that it does not name are errors.
fn strict_schema(document: &Value, channel: &str) -> Value {
    let message = document["channels"][channel]["messages"]["batch"]["$ref"].as_str().unwrap();
    let mut schema = document.pointer(&message[1..]).unwrap()["payload"].clone();
    let mut components = document["components"].clone();
    let event = &mut components["schemas"][channel];
    event["additionalProperties"] = json!(false);
    event["properties"]["data"]["additionalProperties"] = json!(false);
    components["schemas"]["error"]["additionalProperties"] = json!(false);
    schema["components"] = components;
    schema
}

/// All events, by subject without the account, until each type was told.
async fn told(product: &Product) -> BTreeMap<String, Vec<Value>> {
    let bus = Bus::connect(&BusConfig::for_url(&product.nats.url()), "test").await.unwrap();
    let subscription = Subscription::durable(&bus, "test", subject::EVENTS_ALL, Begin::All).await.unwrap();
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let deadline = Instant::now() + PATIENCE;
    while told.len() < TYPES {
        assert!(Instant::now() < deadline, "only {:?} were told", told.keys());
        for message in subscription.next_batch(100, Duration::from_millis(200)).await.unwrap() {
            let event_type = message.subject.splitn(3, '.').nth(2).unwrap().to_owned();
            told.entry(event_type).or_default().push(serde_json::from_slice(&message.payload).unwrap());
            message.ack().await.unwrap();
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_as_the_document_says() {
    let mut product = Product::start().await;
    let api = &product.api;
    api.run(&workflows::survey("Survey", "start")).await;
    let failing = api
        .run(&json!({"name": "Not yet", "channel": "web", "configuration": {
        "trigger": {"type": "message", "keywords": ["later"]},
        "nodes": [{"id": "c", "type": "condition", "branches": [{"when": "vars.nothing > 1", "next": "c"}]}]}}))
        .await;
    api.run(&json!({"name": "Hands over", "channel": "web", "configuration": {
        "trigger": {"type": "message", "keywords": ["human"]},
        "nodes": [{"id": "hand", "type": "handoff", "team": "sales", "note": "help"}]}}))
        .await;
    api.say("ann", "please start").await;
    api.say("ann", "Ann").await;
    api.say("bob", "nobody takes this").await;
    api.say("cleo", "later").await;
    let handed = api.say("eli", "a human").await["conversation_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{handed}");
    api.post(&format!("{path}/assign"), &json!({"agent": "eve"})).await.expect(200);
    api.post(&format!("{path}/messages"), &json!({"message": "Here I am"})).await.expect(202);
    api.post(&format!("{path}/release"), &json!({})).await.expect(200);
    let start = api
        .request(Method::POST, &format!("/v1/workflows/{failing}/executions"))
        .header("prefer", "wait=30")
        .json(&json!({"customer_id": "dan", "input": {"message": "by the API"}}));
    api.send(start).await.expect(500);

    let told = told(&product).await;

    let document = document();
    for (event_type, batches) in &told {
        let channel = event_type.replace('.', "_");
        let address = document["channels"][&channel]["address"].as_str().unwrap();
        assert_eq!(address, format!("events.{{account}}.{event_type}"));
        let schema = strict_schema(&document, &channel);
        let validator =
            jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        for batch in batches {
            let errors: Vec<String> = validator.iter_errors(batch).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{event_type}: {errors:?} in {batch:#}");
        }
    }
    // Both kinds of a type that has two: with an execution and without one.
    for event_type in ["message.received", "message.sent", "conversation.assigned"] {
        let events = told[event_type].iter().flat_map(|batch| batch.as_array().unwrap());
        let with_execution: Vec<bool> =
            events.map(|event| event["data"].get("execution_id").is_some()).collect();
        assert!(with_execution.contains(&true) && with_execution.contains(&false), "{event_type}");
    }
    product.stop().await;
}

#[test]
fn the_document_is_one_of_asyncapi_3() {
    let specification = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.turnloom/tools/node/node_modules/@asyncapi/specs/schemas/3.0.0.json");
    let schema = std::fs::read_to_string(&specification)
        .unwrap_or_else(|error| panic!("{}: {error}: run `make setup`", specification.display()));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document()).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}
