//! Inputs that nobody can handle are given up after five tries, and everything else goes on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{PARTITIONS, Stack, greet, texts, workflow};
use contracts::{partition, v1};
use execution_runner::partition::port::{Ownership, Rates, Renewal, Store, StoreError};
use execution_runner::store::PgStore;
use pg::PgConfig;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_cannot_hold_goes_to_the_dead_letters_and_the_others_go_on() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    stack.activate(workflow(), &greet()).await;
    let mut inputs: Vec<v1::Input> =
        (0..20).map(|n| stack.message("ann", &format!("m-{n}"), &format!("hello {n}"))).collect();
    let poison = v1::Input { customer_id: "a\0b".to_owned(), ..stack.message("ann", "poison", "hello") };
    inputs.insert(10, poison.clone());

    let answers = stack.ask(inputs).await;

    for (place, answer) in answers.iter().enumerate() {
        let expected = if place == 10 { v1::Outcome::Dead } else { v1::Outcome::Executed };
        assert_eq!(answer.outcome(), expected, "{place}");
    }
    let said = |n: usize| format!("Hi ann, you said hello {n}");
    let replies: Vec<String> = answers.iter().flat_map(texts).collect();
    assert_eq!(replies, (0..20).map(said).collect::<Vec<_>>());
    let rows = dead_letters(&stack).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].1, 5);
    assert!(rows[0].0.contains("22021"), "{}", rows[0].0);
    let kept: v1::Input = prost::Message::decode(&*rows[0].2).unwrap();
    assert_eq!(kept.execution_id, poison.execution_id);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_five_runners_died_of_is_given_up_by_the_next() {
    let stack = Stack::start().await;
    let prepares = stack.runner("prepares").await;
    // Tries count in a stream that is known.
    crate::support::eventually("the partitions have an owner", || async {
        stack.owners().await.iter().map(|(_, count)| count).sum::<i64>() == i64::from(PARTITIONS)
    })
    .await;
    prepares.stop().await;
    let poison = stack.message("ann", "m-1", "hello");
    stack.writer.append(poison.clone()).await.unwrap();
    // As if five had begun it one after the other.
    let of_ann = i32::try_from(partition::of_customer(stack.account, "ann", PARTITIONS)).unwrap();
    stack.sql().await.execute("UPDATE partitions SET tries = 5 WHERE id = $1", &[&of_ann]).await.unwrap();

    let runner = stack.runner("one").await;
    stack.activate(workflow(), &greet()).await;
    let next = stack.say("ann", "m-2", "hello again").await;

    assert_eq!(texts(&next), ["Hi ann, you said hello again"]);
    let rows = dead_letters(&stack).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].1, 5);
    let row = stack
        .sql()
        .await
        .query_one("SELECT tries, applied_inputs FROM partitions WHERE id = $1", &[&of_ann])
        .await;
    let row = row.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (0, 0));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_one_turn() {
    let stack = Stack::start().await;
    let runner = stack.drilled_runner("one").await;
    stack.activate(workflow(), &greet()).await;

    let failed = stack.say("ann", "m-1", "hello drill:panic").await.execution.unwrap();
    let fine = stack.say("ann", "m-2", "hello").await;

    assert_eq!(failed.status(), v1::ExecutionStatus::Failed);
    assert_eq!(failed.record.unwrap().error.unwrap().code, "INTERNAL_ERROR");
    assert_eq!(texts(&fine), ["Hi ann, you said hello"]);
    assert_eq!(dead_letters(&stack).await, []);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_counted_for_the_owner_only() {
    let stack = Stack::start().await;
    stack.runner("prepares").await.stop().await;
    let config = PgConfig::for_url(&stack.database_url);
    let (dead, next) = (PgStore::new(config.clone(), 0, 30), PgStore::new(config, 0, 30));
    let owned = take_all(&dead, Duration::from_millis(1)).await;
    assert_eq!(dead.begin(&owned[0], true).await.unwrap(), 1);
    assert_eq!(dead.begin(&owned[0], false).await.unwrap(), 1);
    assert_eq!(dead.begin(&owned[0], true).await.unwrap(), 2);

    let taken = take_all(&next, Duration::from_mins(1)).await;

    assert!(matches!(dead.begin(&owned[0], true).await, Err(StoreError::Fenced)));
    let same = taken.iter().find(|ownership| ownership.partition == owned[0].partition).unwrap();
    assert_eq!(next.begin(same, true).await.unwrap(), 3);
}

async fn take_all(store: &PgStore, lease: Duration) -> Vec<Ownership> {
    let renewal = Renewal {
        runner: platform::clock::new_uuid_v4(),
        runner_name: "test".to_owned(),
        group: 0,
        lease,
        renew_every: Duration::from_millis(1),
        incarnation: 1,
        owned: Vec::new(),
        position: 0,
        told_to: String::new(),
        broker: String::new(),
        rates: Rates::default(),
        shares: true,
    };
    let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
    loop {
        let gained = store.renew(&renewal).await.unwrap().gained;
        if gained.len() == PARTITIONS as usize {
            return gained;
        }
        assert!(tokio::time::Instant::now() < deadline, "the partitions do not become free");
    }
}

/// Error, attempts and payload of each.
async fn dead_letters(stack: &Stack) -> Vec<(String, i32, Vec<u8>)> {
    let rows =
        stack.sql().await.query("SELECT error, attempts, payload FROM dead_letters", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}
