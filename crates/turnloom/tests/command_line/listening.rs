//! `events`: each run goes on where the last one stopped, and nothing is lost in between.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{eventually, workflows};

use super::{against, end_unread, told};
use crate::support::Product;

/// Customers whose events a run showed, in order.
fn customers(shown: &str) -> Vec<String> {
    let customer = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event.pointer("/data/customer_id").and_then(Value::as_str).unwrap().to_owned()
    };
    shown.lines().map(customer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_between_runs_that_end_after_some() {
    let mut product = Product::start().await;
    product.api.run(&workflows::greet("Greet", "hello")).await;
    let listen = ["events", "--name", "mine", "--type", "message.sent", "--limit", "1", "--json"];
    let next = || customers(&told(&product, &listen).out());

    // Each is told two replies, in one bus message.
    product.api.say("ann", "hello").await;
    product.api.say("bob", "hello").await;
    assert_eq!(next(), ["ann", "ann"]);
    // What a run fetched and did not show would come after this one only.
    product.api.say("cleo", "hello").await;
    assert_eq!(next(), ["bob", "bob"]);
    assert_eq!(next(), ["cleo", "cleo"]);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_over_a_broker_that_lost_everything() {
    let mut product = Product::start().await;
    product.api.run(&workflows::greet("Greet", "hello")).await;
    product.api.say("ann", "hello").await;
    let mut command = against(&product, &["events", "--type", "message.sent", "--json"]);
    let mut listening = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines().map_while(Result::ok);
    let of = |line: String| customers(&line).remove(0);
    assert_eq!(of(lines.next().unwrap()), "ann");

    product.nats.lose_data().unwrap();
    product.nats.start_again().unwrap();
    let message = json!({"customer_id": "bob", "channel": "web", "message": "hello", "message_id": "m-1"});
    eventually("a message is taken", || async {
        (product.api.post("/v1/messages", &message).await.status == 202).then_some(())
    })
    .await;

    // What the last commits told is told again before it.
    assert!(lines.any(|line| of(line) == "bob"), "the run has ended");
    listening.kill().unwrap();
    listening.wait().unwrap();
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_see_is_shown_by_the_next_run_at_once() {
    let mut product = Product::start().await;
    product.api.run(&workflows::greet("Greet", "hello")).await;
    let listen = ["events", "--type", "message.sent", "--json"];
    product.api.say("ann", "hello").await;
    product.api.say("bob", "hello").await;
    assert_eq!(end_unread(against(&product, &listen)), (Some(0), String::new()));

    product.api.say("cleo", "hello").await;
    let limited = [&listen[..], &["--limit", "6"]].concat();
    assert_eq!(customers(&told(&product, &limited).out()), ["ann", "ann", "bob", "bob", "cleo", "cleo"]);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_and_type_has_a_place_of_its_own_and_a_name_keeps_its_filter() {
    let mut product = Product::start().await;
    product.api.run(&workflows::greet("Greet", "hello")).await;
    product.api.say("ann", "hello").await;
    let types = |arguments: &[&str]| -> Vec<Value> {
        let shown = told(&product, &[&["events", "--json"], arguments].concat()).out();
        shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone()).collect()
    };

    assert_eq!(types(&["--type", "message.sent", "--limit", "1"]), ["message.sent", "message.sent"]);
    let first = types(&["--limit", "1"]);
    assert!(
        !first.contains(&"message.sent".into()),
        "the one without a type begins at the beginning: {first:?}"
    );

    let name = ["events", "--name", "mine", "--limit", "1"];
    told(&product, &name).out();
    for other in [["--type", "message.sent"], ["--account", "nobody"]] {
        let refused = told(&product, &[&name[..], &other[..]].concat()).complaint(1);
        assert!(refused.contains("the subscription 'mine' is there already and listens to"), "{refused}");
        assert!(refused.contains("choose another --name"), "{refused}");
    }
    product.stop().await;
}
