//! `runners`, `dead-letters` and `republish`: what operators see and do.

use bus::publish::Outgoing;
use bus::{Bus, BusConfig};
use contracts::subject;
use gateway::key::Level;
use serde_json::{Value, json};
use testkit::{eventually, workflows};

use super::{against, end, end_unread, told};
use crate::support::Product;

#[tokio::test(flavor = "multi_thread")]
async fn runners_are_shown_with_what_they_own() {
    let mut product = Product::start().await;
    let found = eventually("one runner owns everything", || async {
        let found = told(&product, &["runners", "--json"]).json();
        (found["runners"][0]["partitions"].as_array().map(Vec::len) == Some(64)).then_some(found)
    })
    .await;
    let runner = &found["runners"][0];
    assert!(runner["id"].as_str().unwrap().starts_with("runner-"), "{runner}");
    assert_eq!((&runner["alive"], &runner["group"]), (&json!(true), &json!(0)));
    assert_eq!(found["unowned_partitions"], json!([]));
    assert_eq!(runner["partitions"][63]["partition"], 63);

    let shown = told(&product, &["runners"]).out();
    assert!(shown.contains("OWNS SINCE") && shown.contains(" 0-63 "), "{shown}");
    assert!(!shown.contains("nobody owns"), "{shown}");
    let each = told(&product, &["runners", "--partitions"]).out();
    assert_eq!(each.lines().count(), 1 + 64, "{each}");
    // A watch goes on for ever, unless nobody looks.
    for watch in [&["runners", "--watch"][..], &["runners", "--watch", "--json"]] {
        assert_eq!(end_unread(against(&product, watch)), (Some(0), String::new()), "{watch:?}");
    }
    let mut reader = against(&product, &["runners"]);
    reader.env("TURNLOOM_API_KEY", product.key_of("default", Level::ReadWrite).await.key());
    assert!(end(reader, "").complaint(1).contains("FORBIDDEN"));

    // Their owner is no runner that anybody knows.
    let taken = "UPDATE runner.partitions SET owner = gen_random_uuid(), epoch = epoch + 1, expires_at = 'infinity' WHERE id IN (3, 4, 9)";
    product.sql(taken).await;
    let shown = told(&product, &["runners"]).out();
    assert!(shown.contains("! nobody owns 3-4, 9: backlog"), "{shown}");
    product.stop().await;
}

async fn state(product: &Product, customer: &str) -> Value {
    let path = format!("/v1/messages/m-1?channel=web&customer_id={customer}");
    product.api.get(&path).await.expect(200).pointer("/data").cloned().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_shown_and_tried_again() {
    let mut product = Product::start().await;
    product.api.run(&workflows::greet("Greet", "hello")).await;
    let mut ids = Vec::new();
    for customer in ["ann", "bob", "cleo"] {
        ids.push(product.bury(customer, "m-1", "hello").await);
    }
    let bus = Bus::connect(&BusConfig::for_url(&product.nats.url()), "test").await.unwrap();
    let garbage = Outgoing { subject: subject::turns(0), headers: Vec::new(), payload: "\u{7f}".into() };
    bus.publish_all(&[garbage]).await.unwrap();
    let listed = eventually("the garbage is put aside", || async {
        let listed = told(&product, &["dead-letters", "list", "--status", "open", "--json"]).json();
        (listed.as_array().unwrap().len() == 4).then_some(listed)
    })
    .await;
    let dead = state(&product, "ann").await;
    assert_eq!((&dead["status"], &dead["reason"]), (&json!("dead"), &json!("in_dead_letters")));

    let shown = told(&product, &["dead-letters", "list"]).out();
    assert!(ids.iter().all(|id| shown.contains(id)) && shown.contains("DEAD SINCE"), "{shown}");
    let one = told(&product, &["dead-letters", "show", &ids[0]]).out();
    assert!(one.contains("ann over web") && one.contains("it failed"), "{one}");
    let whole = told(&product, &["dead-letters", "show", &ids[0], "--json"]).json();
    assert_eq!((&whole["input"]["message"], &whole["kind"]), (&json!("hello"), &json!("message")));
    let unreadable =
        listed.as_array().unwrap().iter().find(|letter| letter["customer_id"].is_null()).unwrap();
    let unreadable = unreadable["id"].as_str().unwrap();
    let bytes = told(&product, &["dead-letters", "show", unreadable, "--json"]).json();
    assert_eq!((&bytes["payload_base64"], &bytes["payload_bytes"]), (&json!("fw=="), &json!(1)));

    let retried = told(&product, &["dead-letters", "retry", &ids[0], "--json"]).json();
    assert_eq!((&retried[0]["id"], &retried[0]["status"]), (&json!(ids[0]), &json!("retried")));
    let again = told(&product, &["dead-letters", "retry", &ids[0], unreadable]).complaint(1);
    assert!(again.contains("CONFLICT: The dead letter has been retried already"), "{again}");
    assert!(again.contains("2 of 2 were not tried again"), "{again}");
    let all = told(&product, &["dead-letters", "retry", "--all"]).out();
    assert!(all.contains("! 1 cannot be read, and stay"), "{all}");
    assert!(ids[1..].iter().all(|id| all.contains(&format!("✓ {id} is tried again"))), "{all}");
    assert!(
        told(&product, &["dead-letters", "retry", "--all"]).out().contains("there is nothing to try again")
    );
    told(&product, &["dead-letters", "retry"]).complaint(2);
    for customer in ["ann", "bob", "cleo"] {
        eventually("it is handled", || async {
            (state(&product, customer).await["status"] == "handled").then_some(())
        })
        .await;
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_an_account_are_seen_by_nobody_else() {
    let mut product = Product::start().await;
    let id = product.bury("ann", "m-1", "hello").await;
    let other = product.key_of("other", Level::FullAccess).await;
    let path = format!("/v1/dead-letters/{id}");

    assert_eq!(other.get("/v1/dead-letters").await.expect(200)["pagination"]["total"], 0);
    for answer in [other.get(&path).await, other.post(&format!("{path}/retry"), &json!({})).await] {
        assert_eq!(answer.expect(404)["error"]["code"], "DEAD_LETTER_NOT_FOUND");
    }
    assert_eq!(product.api.get(&path).await.expect(200)["data"]["status"], "open");
    // Without a body, too.
    let retry = product.api.request(reqwest::Method::POST, &format!("{path}/retry"));
    assert_eq!(product.api.send(retry).await.expect(202)["data"]["status"], "retried");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_told_again_and_what_was_counted_stays_counted_once() {
    let mut product = Product::start().await;
    let workflow = product.api.run(&workflows::greet("Greet", "hello")).await;
    let metrics = format!("/v1/workflows/{workflow}/metrics");
    let counted = async || {
        let shown = product.api.get(&metrics).await.expect(200)["data"].clone();
        (shown["complete"] == true).then(|| shown["metrics"]["total_executions"].clone())
    };
    for customer in ["ann", "bob", "cleo"] {
        product.api.say(customer, "hello").await;
    }
    let listen = ["events", "--name", "mine", "--type", "message.sent", "--json", "--limit"];
    let hear = |events: &str| {
        let heard = told(&product, &[&listen[..], &[events]].concat()).out();
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].clone();
        heard.lines().map(id).collect::<Vec<Value>>()
    };
    let mut first = hear("6");

    let told_again = told(&product, &["republish", "--since", "2026-01-01", "--json"]).json();

    assert!(told_again["commits"].as_u64().unwrap() >= 3, "{told_again}");
    let mut again = hear("6");
    for ids in [&mut first, &mut again] {
        ids.sort_by_key(ToString::to_string);
    }
    assert_eq!(again, first);
    let total = eventually("the numbers are complete", || async { counted().await }).await;
    assert_eq!(total, 3);
    assert!(told(&product, &["metrics", "rebuild", "Greet"]).out().contains("0 differences"));

    let shown = told(&product, &["republish", "--since", "2026-01-01", "--until", "2026-01-02"]).out();
    assert!(shown.contains("✓ 0 commits are told again"), "{shown}");
    for (wrong, complaint) in [
        ("yesterday", "'yesterday' is not a date or a time"),
        ("2100-01-01", "INVALID_REQUEST: The span ends before it begins"),
    ] {
        let refused = told(&product, &["republish", "--since", wrong]).complaint(1);
        assert!(refused.contains(complaint), "{refused}");
    }
    let mut nowhere = against(&product, &["republish", "--since", "2026-01-01"]);
    nowhere.env("TURNLOOM_NATS_URL", "nats://127.0.0.1:1");
    end(nowhere, "").complaint(3);
    product.stop().await;
}
