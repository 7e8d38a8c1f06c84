//! What the gateway refuses when messages wait for too long, and what it still takes.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Gateway;
use bus::frames;
use contracts::{partition, subject, v1};
use flow_model::AccountId;
use gateway::key::{ApiKey, Level};
use serde_json::{Value, json};
use testkit::{Answer, Api, eventually};

/// Partitions of the gateway under test.
const PARTITIONS: u32 = 8;

async fn gateway(settings: &[&str]) -> Gateway {
    let database = Gateway::start().await.database_url.clone();
    Gateway::on(&database, settings).await
}

async fn send(api: &Api, customer: &str) -> Answer {
    api.post("/v1/messages", &json!({"customer_id": customer, "channel": "web", "message": "x"})).await
}

/// Sends until it is refused.
async fn refusal(api: &Api, customer: &str) -> Value {
    let answer = eventually("a message is refused", || async {
        let answer = send(api, customer).await;
        (answer.status != 202).then_some(answer)
    })
    .await;
    assert_eq!(answer.header("retry-after"), "30");
    let body = answer.expect(503);
    assert_eq!(body["error"]["code"], "SERVICE_UNAVAILABLE");
    body["error"]["details"].clone()
}

fn partition_of(customer: &str) -> u32 {
    partition::of_customer(AccountId::named("default"), customer, PARTITIONS)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_no_runner_handles_close_the_door_until_they_are_handled() {
    let gateway = gateway(&["--oldest-input-max-seconds", "1"]).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    send(&api, "a").await.expect(202);

    let details = refusal(&api, "a").await;

    assert!(details.as_str().unwrap().contains("nothing was stored"), "{details}");
    let stored = frames::stream(&gateway.bus, 0).await.unwrap();
    send(&api, "b").await.expect(503);
    assert_eq!(frames::stream(&gateway.bus, 0).await.unwrap().last_seq, stored.last_seq);
    // As a runner does that has handled all of them.
    frames::purge_below(&gateway.bus, 0, stored.incarnation, stored.last_seq + 1).await.unwrap();
    assert_eq!(frames::stream(&gateway.bus, 0).await.unwrap().oldest_at_ms(), None);
    eventually("messages are taken again", || async { (send(&api, "a").await.status == 202).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_behind_does_not_close_the_others() {
    let gateway = gateway(&["--oldest-input-max-seconds", "1"]).await;
    let other = (0..100).map(|n| n.to_string()).find(|name| partition_of(name) != partition_of("a")).unwrap();
    let gateway = gateway.behind_it(|server| {
        server.handle(subject::runner::LIST_RUNNERS, |_: v1::ListRunnersRequest| async {
            let partitions = (0..PARTITIONS).map(|partition| v1::PartitionState {
                partition,
                oldest_input_at_ms: (partition == partition_of("a")).then_some(1),
                ..v1::PartitionState::default()
            });
            Ok(v1::ListRunnersResponse {
                partitions: partitions.collect(),
                ..v1::ListRunnersResponse::default()
            })
        })
    });
    let gateway = gateway.await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    send(&api, "a").await.expect(202);

    refusal(&api, "a").await;

    send(&api, &other).await.expect(202);
    send(&api, "a").await.expect(503);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_floods_does_not_stop_another_when_messages_wait() {
    let gateway = gateway(&["--fair-after-seconds", "1"]).await;
    let (flooding, _) = gateway.key(Level::FullAccess).await;
    let key = ApiKey::generate();
    gateway.store.add_key("other", "test", Level::FullAccess, &key).await.unwrap();
    let other = flooding.with_key(key.expose());

    let refused = eventually("the flood is refused", || async {
        let mut refused = None;
        for _ in 0..5 {
            let answer = send(&flooding, "a").await;
            refused = (answer.status != 202).then_some(answer).or(refused);
        }
        send(&other, "b").await.expect(202);
        refused
    })
    .await;

    assert_eq!(refused.header("retry-after"), "10");
    let details = refused.expect(503)["error"]["details"].clone();
    assert!(details.as_str().unwrap().contains("more than its share"), "{details}");
    send(&other, "b").await.expect(202);
}
