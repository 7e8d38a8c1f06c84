//! Who owns the partitions: fair shares, hand-over, take-over, and that a stale owner changes nothing.

use std::time::Duration;

use crate::support::{PARTITIONS, Stack, eventually, greet, workflow};
use bus::events::{Begin, Subscription};
use contracts::v1;
use execution_runner::partition::port::{
    Commit, Move, OutboxKey, OutboxRow, Ownership, Rates, Renewal, Store, StoreError,
};
use execution_runner::store::PgStore;
use pg::PgConfig;

#[tokio::test(flavor = "multi_thread")]
async fn runners_share_the_partitions_fairly() {
    let stack = Stack::start().await;
    let one = stack.runner("one").await;
    eventually("one owns all", || async { counts(&stack).await == [i64::from(PARTITIONS)] }).await;
    let two = stack.runner("two").await;
    eventually("two share", || async { counts(&stack).await == [4, 4] }).await;
    let three = stack.runner("three").await;
    eventually("three share", || async { counts(&stack).await == [2, 3, 3] }).await;
    two.stop().await;
    eventually("the others have them", || async { counts(&stack).await == [4, 4] }).await;
    one.stop().await;
    three.stop().await;
    assert!(counts(&stack).await.is_empty());
}

async fn counts(stack: &Stack) -> Vec<i64> {
    let mut counts: Vec<i64> = stack.owners().await.into_iter().map(|(_, count)| count).collect();
    counts.sort_unstable();
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_runner_is_replaced_and_nothing_is_lost_or_done_twice() {
    let stack = Stack::start().await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    let one = stack.runner("one").await;
    let two = stack.runner("two").await;
    eventually("two share", || async { counts(&stack).await == [4, 4] }).await;
    let inputs: Vec<v1::Input> =
        (0..400).map(|n| stack.message(&format!("c{}", n % 40), &format!("m-{n}"), "hello")).collect();
    for input in &inputs[..200] {
        stack.writer.append(input.clone()).await.unwrap();
    }
    one.kill();
    for input in &inputs[200..] {
        stack.writer.append(input.clone()).await.unwrap();
    }
    eventually("all are handled", || async { stack.list(stack.list_of(greeting)).await.total == 400 }).await;
    let rows = stack
        .sql()
        .await
        .query("SELECT count(DISTINCT id), count(*), count(DISTINCT conversation_id) FROM executions", &[])
        .await
        .unwrap();
    let counted: (i64, i64, i64) = (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    assert_eq!(counted, (400, 400, 40));
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_owner_commits_nothing() {
    let stack = Stack::start().await;
    stack.runner("prepares").await.stop().await;
    let config = PgConfig::for_url(&stack.database_url);
    let (stale, fresh) = (PgStore::new(config.clone(), 0, 30), PgStore::new(config, 0, 30));
    let renewal = |owned: Vec<Ownership>| Renewal {
        runner: platform::clock::new_uuid_v4(),
        runner_name: "test".to_owned(),
        group: 0,
        lease: Duration::from_millis(300),
        incarnation: 1,
        owned,
        position: 0,
        told_to: String::new(),
        broker: String::new(),
        renew_every: Duration::from_secs(1),
        rates: Rates::default(),
        shares: true,
    };
    let owned = stale.renew(&renewal(Vec::new())).await.unwrap().gained;
    assert_eq!(owned.len(), PARTITIONS as usize);
    let commit = commit_of(owned[0]);
    eventually("the lease is over", || async {
        let tenure = fresh.renew(&renewal(Vec::new())).await.unwrap();
        tenure.gained.iter().any(|ownership| ownership.partition == owned[0].partition)
    })
    .await;

    assert!(matches!(stale.commit(&commit).await, Err(StoreError::Fenced)));
    let rows = stack.sql().await.query("SELECT count(*) FROM outbox", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_made_is_not_made_again() {
    let stack = Stack::start().await;
    stack.runner("prepares").await.stop().await;
    let store = PgStore::new(PgConfig::for_url(&stack.database_url), 0, 30);
    let renewal = Renewal {
        runner: platform::clock::new_uuid_v4(),
        runner_name: "test".to_owned(),
        group: 0,
        lease: Duration::from_mins(1),
        incarnation: 1,
        owned: Vec::new(),
        position: 0,
        told_to: String::new(),
        broker: String::new(),
        renew_every: Duration::from_secs(1),
        rates: Rates::default(),
        shares: true,
    };
    let owned = store.renew(&renewal).await.unwrap().gained;
    let commit = commit_of(owned[0]);
    store.commit(&commit).await.unwrap();
    assert!(matches!(store.commit(&commit).await, Err(StoreError::Fenced)));
    let open = store.untold(&[commit.outbox[0].key], OutboxKey::default(), 10).await.unwrap();
    assert_eq!(open, commit.outbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_before_the_broker_was_started_again_may_be_forgotten() {
    let stack = Stack::start().await;
    stack.runner("prepares").await.stop().await;
    let store = PgStore::new(PgConfig::for_url(&stack.database_url), 0, 30);
    let renewal = |broker: &str, owned: Vec<Ownership>| Renewal {
        runner: platform::clock::new_uuid_v4(),
        runner_name: "test".to_owned(),
        group: 0,
        lease: Duration::from_mins(1),
        incarnation: 1,
        owned,
        position: 0,
        told_to: "first start".to_owned(),
        broker: broker.to_owned(),
        renew_every: Duration::from_secs(1),
        rates: Rates::default(),
        shares: true,
    };
    for (broker, forgotten) in [("first start", 0), ("second start", PARTITIONS as usize)] {
        let first = renewal("first start", Vec::new());
        let owned = store.renew(&first).await.unwrap().gained;
        store.release(&Renewal { owned, ..first }).await.unwrap();

        let next = renewal(broker, Vec::new());
        let tenure = store.renew(&next).await.unwrap();
        assert_eq!((tenure.gained.len(), tenure.unclean.len()), (PARTITIONS as usize, forgotten));
        store.release(&Renewal { owned: tenure.gained, ..next }).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_owner_left_untold_is_told_by_the_next() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    for n in 0..3 {
        stack.say("ann", &format!("m-{n}"), "hello").await;
    }
    runner.stop().await;
    // As if it had died after its commits and before it published them; and the stream has nothing of them.
    stack.sql().await.batch_execute("UPDATE partitions SET told_no = 0").await.unwrap();
    stack.bus.delete_stream(contracts::subject::EVENTS_STREAM).await.unwrap();

    let runner = stack.runner("two").await;

    let subscription =
        Subscription::durable(&stack.bus, "test", contracts::subject::EVENTS_ALL, Begin::All).await.unwrap();
    let mut places: Vec<(u64, u64)> = Vec::new();
    let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
    while places.len() < 16 {
        assert!(tokio::time::Instant::now() < deadline, "{} events", places.len());
        for message in subscription.next_batch(100, Duration::from_millis(500)).await.unwrap() {
            let events: Vec<serde_json::Value> = serde_json::from_slice(&message.payload).unwrap();
            let number = |event: &serde_json::Value, name: &str| event["data"][name].as_u64().unwrap();
            places.extend(events.iter().map(|event| (number(event, "commit_no"), number(event, "index"))));
            message.ack().await.unwrap();
        }
    }
    assert!(places.is_sorted(), "a consumer that drops what is not newer would miss some: {places:?}");
    assert_eq!(places.last().map(|place| place.0), Some(3));
    eventually("everything counts as told", || async {
        let rows = stack
            .sql()
            .await
            .query("SELECT count(*) FROM partitions WHERE told_no < commit_no", &[])
            .await
            .unwrap();
        rows[0].get::<_, i64>(0) == 0
    })
    .await;
    runner.stop().await;
}

fn commit_of(from: Ownership) -> Commit {
    let key = OutboxKey { partition: from.partition, commit_no: from.commit_no + 1 };
    Commit {
        incarnation: 1,
        moves: vec![Move {
            from,
            applied_seq: from.applied_seq + 1,
            applied_inputs: 0,
            commit_no: key.commit_no,
        }],
        outbox: vec![OutboxRow { key, outbox: v1::Outbox::default() }],
        ..Commit::default()
    }
}
