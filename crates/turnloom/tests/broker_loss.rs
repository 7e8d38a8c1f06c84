//! A broker that comes back without its data, and streams that somebody deletes: everything goes on without a restart.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use bus::{Bus, BusConfig};
use contracts::subject;
use flow_model::WorkflowId;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{eventually, workflows};

/// Customers that talk in one round.
const CUSTOMERS: usize = 20;

/// Sends a message until it is handled, and gives its execution.
async fn handled(product: &Product, customer: &str, message_id: &str, text: &str) -> Value {
    let api = &product.api;
    let body = json!({"customer_id": customer, "channel": "web", "message": text, "message_id": message_id});
    eventually(&format!("{message_id} is handled"), || async {
        let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
        let answer = api.send(request).await;
        let execution = answer.body["data"]["execution"].clone();
        (answer.status == 200 && execution.is_object()).then_some(execution)
    })
    .await
}

/// Each customer says hello once.
async fn round(product: &Product, name: &str) {
    for n in 0..CUSTOMERS {
        let execution = handled(product, &format!("c{n}"), &format!("{name}-{n}"), "hello").await;
        assert_eq!(execution["output"]["messages"][0], format!("Hi c{n}"));
    }
}

async fn bus(product: &Product) -> Bus {
    Bus::connect(&BusConfig::for_url(&product.nats.url()), "test").await.unwrap()
}

/// Lists, totals and numbers say that each message was handled once.
async fn numbers_are_exact(product: &Product, workflow: &str, expected: usize) {
    let api = &product.api;
    let listed = api.get(&format!("/v1/workflows/{workflow}/executions?limit=1")).await.expect(200);
    assert_eq!(listed["pagination"]["total"], expected);
    let shown = api.get(&format!("/v1/workflows/{workflow}")).await.expect(200);
    assert_eq!(shown["data"]["execution_count"], expected);
    let config = pg::PgConfig::for_url(&product.database_url);
    let numbers = pg::raw::connect(&config, metrics_aggregator::store::SCHEMA).await.unwrap();
    let expected = i64::try_from(expected).unwrap();
    let id: WorkflowId = workflow.parse().unwrap();
    eventually("all events are counted", || async {
        let sums = "SELECT COALESCE(sum(succeeded), 0)::bigint, COALESCE(sum(messages_received), 0)::bigint,
                        COALESCE(sum(failed), 0)::bigint FROM rollups WHERE workflow_id = $1";
        let row = numbers.query_one(sums, &[id.as_uuid()]).await.unwrap();
        let (succeeded, received, failed): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert!(succeeded <= expected && received <= expected, "{succeeded} and {received} of {expected}");
        ((succeeded, received, failed) == (expected, expected, 0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lost_everything_is_set_up_again_and_nothing_is_done_twice() {
    let mut product = Product::start().await;
    let greet = product.api.run(&workflows::greet("Greet", "hello")).await;
    let survey = product.api.run(&workflows::survey("Survey", "start")).await;
    handled(&product, "ann", "ann-1", "start").await;
    round(&product, "before").await;

    product.nats.kill();
    product.nats.lose_data().unwrap();
    product.nats.start_again().unwrap();

    round(&product, "after").await;
    let answered = handled(&product, "ann", "ann-2", "Ann").await;
    assert_eq!(answered["output"]["response"], "How old are you, Ann?", "the conversation goes on");
    numbers_are_exact(&product, &greet, 2 * CUSTOMERS).await;
    numbers_are_exact(&product, &survey, 2).await;
    let bus = bus(&product).await;
    for workflow in [&greet, &survey] {
        eventually("the bucket has the revision again", || async {
            bus.definitions().get(workflow.parse().unwrap(), 1).await.ok().flatten()
        })
        .await;
    }
    // What comes next is as if nothing had happened.
    let later = product.api.run(&workflows::greet("Later", "goodbye")).await;
    handled(&product, "bob", "bob-1", "goodbye").await;
    numbers_are_exact(&product, &later, 1).await;
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_again() {
    let mut product = Product::start().await;
    let greet = product.api.run(&workflows::greet("Greet", "hello")).await;
    round(&product, "before").await;
    let bus = bus(&product).await;
    let streams =
        [subject::TURNS_STREAM, subject::EVENTS_STREAM, subject::REPLIES_STREAM, subject::DEFINITIONS_STREAM];

    for (n, stream) in streams.into_iter().enumerate() {
        numbers_are_exact(&product, &greet, (n + 1) * CUSTOMERS).await;
        bus.delete_stream(stream).await.unwrap();

        round(&product, stream).await;
        eventually("the stream is there again", || async {
            bus.has_stream(stream).await.ok().filter(|there| *there)
        })
        .await;
    }

    numbers_are_exact(&product, &greet, 5 * CUSTOMERS).await;
    eventually("the bucket has the revision again", || async {
        bus.definitions().get(greet.parse().unwrap(), 1).await.ok().flatten()
    })
    .await;
    let later = product.api.run(&workflows::greet("Later", "goodbye")).await;
    handled(&product, "bob", "bob-1", "goodbye").await;
    numbers_are_exact(&product, &later, 1).await;
    product.stop().await;
}
