//! What operators see of the runners, and telling a span again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::support::{PARTITIONS, PATIENCE, Stack, eventually, greet, workflow};
use bus::events::{Begin, Subscription};
use bus::rpc::CallError;
use contracts::{ErrorCode, subject, v1};

/// A request that is not answered by then was lost, and is made again.
const SOON: Duration = Duration::from_secs(3);

async fn runners(stack: &Stack) -> v1::ListRunnersResponse {
    stack.call(subject::runner::LIST_RUNNERS, &v1::ListRunnersRequest {}).await
}

/// How many partitions each runner owns, by name; those of nobody under an empty one. Whoever owns one is alive.
fn shares(found: &v1::ListRunnersResponse) -> BTreeMap<&str, usize> {
    let mut shares = BTreeMap::new();
    for partition in &found.partitions {
        let owner = found.runners.iter().find(|runner| runner.id == partition.owner);
        assert!(partition.owner.is_empty() || owner.is_some_and(|owner| owner.alive), "{partition:?}");
        *shares.entry(owner.map_or("", |runner| runner.name.as_str())).or_default() += 1;
    }
    shares
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runners_are_seen_with_their_shares_and_one_that_is_gone_with_none() {
    let stack = Stack::start().await;
    let one = stack.runner("one").await;
    let two = stack.runner("two").await;
    let half = PARTITIONS as usize / 2;
    eventually("two share", || async {
        shares(&runners(&stack).await) == BTreeMap::from([("one", half), ("two", half)])
    })
    .await;

    let found = runners(&stack).await;
    let numbers: Vec<u32> = found.partitions.iter().map(|partition| partition.partition).collect();
    assert_eq!(numbers, (0..PARTITIONS).collect::<Vec<_>>());
    let names: Vec<&str> = found.runners.iter().map(|runner| runner.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    for runner in &found.runners {
        assert!(runner.started_at_ms <= found.as_of_ms && runner.renewed_at_ms <= found.as_of_ms);
        assert!(runner.expires_at_ms > found.as_of_ms);
    }
    for partition in &found.partitions {
        assert!(partition.owned_since_ms.is_some_and(|since| since <= found.as_of_ms));
        assert!(partition.epoch >= 1);
    }

    // One that is killed hands nothing over: its partitions are nobody's until the other has them. What it was asked last it
    // does not answer.
    one.kill();
    eventually("the other has all", || async {
        let asked =
            stack.bus.rpc().call(subject::runner::LIST_RUNNERS, &v1::ListRunnersRequest {}, SOON).await;
        asked.is_ok_and(|found| shares(&found) == BTreeMap::from([("two", PARTITIONS as usize)]))
    })
    .await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_nobody_handles_are_a_backlog_with_an_age() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    stack.activate(workflow(), &greet()).await;
    eventually("there is no backlog", || async {
        let found = runners(&stack).await;
        found.partitions.iter().all(|state| state.backlog_frames == 0 && state.oldest_input_at_ms.is_none())
    })
    .await;
    // Somebody owns all of them and does nothing.
    let takes = "UPDATE partitions SET epoch = epoch + 1, owner = $1, expires_at = 'infinity'";
    stack.sql().await.execute(takes, &[&platform::clock::new_uuid_v4()]).await.unwrap();
    let before_ms = platform::clock::now_ms();
    for number in 0..3 {
        stack.writer.append(stack.message("ann", &format!("m-{number}"), "hello")).await.unwrap();
    }

    let found = runners(&stack).await;

    for state in &found.partitions {
        assert_eq!(state.backlog_frames, 3, "{state:?}");
        assert!(state.oldest_input_at_ms.is_some_and(|at| at >= before_ms), "{state:?}");
    }
    runner.stop().await;
}

/// Where an event stands in its partition: commit and index.
type Place = (u64, u64);

/// Events in stream order: their partition, place and id.
type Heard = Vec<(u64, Place, String)>;

/// The next events until there are so many.
async fn hear(subscription: &Subscription, events: usize) -> Heard {
    let mut heard = Vec::new();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while heard.len() < events {
        assert!(tokio::time::Instant::now() < deadline, "{} of {events} events", heard.len());
        for message in subscription.next_batch(100, Duration::from_millis(500)).await.unwrap() {
            for event in serde_json::from_slice::<Vec<serde_json::Value>>(&message.payload).unwrap() {
                let number = |name: &str| event["data"][name].as_u64().unwrap();
                let place = (number("commit_no"), number("index"));
                heard.push((number("partition"), place, event["id"].as_str().unwrap().to_owned()));
            }
            message.ack().await.unwrap();
        }
    }
    heard
}

/// By partition.
fn by_partition(heard: &Heard) -> BTreeMap<u64, Vec<(Place, String)>> {
    let mut partitions: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for (partition, place, id) in heard {
        partitions.entry(*partition).or_default().push((*place, id.clone()));
    }
    partitions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_told_again_with_the_same_ids_in_order_and_who_drops_what_is_not_newer_hears_nothing_twice()
{
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    stack.activate(workflow(), &greet()).await;
    let start_ms = platform::clock::now_ms() - 60_000;
    // More commits of one partition than are told again after any take-over.
    for number in 0..80 {
        stack.say("c0", &format!("m-{number}"), "hello").await;
    }
    for number in 1..6 {
        stack.say(&format!("c{number}"), "m-0", "hello").await;
    }
    // Five events for each message, and one for each customer.
    let events = 85 * 5 + 6;
    let subscription =
        Subscription::durable(&stack.bus, "test", subject::EVENTS_ALL, Begin::All).await.unwrap();
    let first = hear(&subscription, events).await;
    assert_eq!(first.len(), events);

    let request = v1::RepublishRequest { from_ms: start_ms, to_ms: platform::clock::now_ms() + 60_000 };
    let answer: v1::RepublishResponse = stack.call(subject::runner::REPUBLISH, &request).await;
    // It goes on meanwhile.
    stack.say("c0", "m-after", "hello").await;

    let again = hear(&subscription, events + 5).await;
    let commits = first.iter().map(|(partition, (commit_no, _), _)| (partition, commit_no));
    let commits: BTreeSet<_> = commits.collect();
    assert_eq!(answer.commits, commits.len() as u64);
    let (told, retold) = (by_partition(&first), by_partition(&again));
    let mut newer = 0;
    for (partition, retold) in retold {
        let last = told[&partition].last().unwrap().0;
        assert!(retold.is_sorted_by(|one, next| one.0 < next.0), "partition {partition}: {retold:?}");
        assert_eq!(retold[..told[&partition].len()], told[&partition], "partition {partition}");
        newer += retold.iter().filter(|(place, _)| *place > last).count();
    }
    assert_eq!(newer, 5, "only what has happened since is new to who keeps the last place");
    eventually("all is noted as told", || async {
        let open = "SELECT count(*) FROM partitions WHERE told_no < commit_no";
        stack.sql().await.query_one(open, &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_in_the_span_and_after_it_is_told_again() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    stack.activate(workflow(), &greet()).await;
    for number in 0..6 {
        stack.say("ann", &format!("m-{number}"), "hello").await;
    }
    // An hour between one commit and the next.
    stack
        .sql()
        .await
        .batch_execute("UPDATE outbox SET created_at = now() - (6 - commit_no) * interval '1 hour'")
        .await
        .unwrap();
    let subscription =
        Subscription::durable(&stack.bus, "test", subject::EVENTS_ALL, Begin::All).await.unwrap();
    // Five events for each message, and one for the customer.
    let events = 6 * 5 + 1;
    hear(&subscription, events).await;
    let now_ms = platform::clock::now_ms();
    let hour_ms = 60 * 60 * 1000;
    let ask = async |from_ms: i64, to_ms: i64| {
        let request = v1::RepublishRequest { from_ms, to_ms };
        let answer: Result<v1::RepublishResponse, CallError> =
            stack.bus.rpc().call(subject::runner::REPUBLISH, &request, PATIENCE).await;
        answer
    };

    let nothing = ask(now_ms - 24 * hour_ms, now_ms - 12 * hour_ms).await.unwrap();
    assert_eq!(nothing.commits, 0);
    let reversed = ask(now_ms, now_ms - hour_ms).await;
    assert!(
        matches!(reversed, Err(CallError::Refused(failure)) if failure.error_code() == ErrorCode::InvalidRequest)
    );
    // Commits 1 to 6 lie five to zero hours back: this meets the third one.
    let some = ask(now_ms - 3 * hour_ms - hour_ms / 2, now_ms - 2 * hour_ms - hour_ms / 2).await.unwrap();

    assert_eq!(some.commits, 4);
    // After a take-over the last commits are told in any case.
    let again = hear(&subscription, events).await;
    let last = again.iter().rev().take(4 * 5).map(|(_, (commit_no, _), _)| *commit_no);
    assert_eq!(last.collect::<BTreeSet<u64>>(), (3..=6).collect());
    runner.stop().await;
}
