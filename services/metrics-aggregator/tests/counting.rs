//! Each event counts once, however often it is published, read or interrupted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::Stack;
use bus::publish::Outgoing;
use bus::rpc::{RunningServer, Server};
use contracts::v1::Failure;
use contracts::{ErrorCode, subject, v1};
use flow_model::AccountId;
use platform::clock;

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_published_twice_count_once() {
    let stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    let commits: Vec<Vec<Outgoing>> = (1..=20).map(|no| stack.commit(3, no, no % 4 == 0)).collect();
    for commit in &commits {
        stack.publish(commit).await;
    }
    stack.counted([15, 5, 20, 20]).await;
    // A new owner tells again what it does not know to be told, then goes on.
    for commit in &commits[10..] {
        stack.publish(commit).await;
    }
    stack.publish(&stack.commit(3, 21, false)).await;
    stack.counted([16, 5, 21, 21]).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_and_a_restart_change_no_number() {
    let mut stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    let commits: Vec<Vec<Outgoing>> = (1..=11).map(|no| stack.commit(1, no, false)).collect();
    for commit in &commits[..10] {
        stack.publish(commit).await;
    }
    stack.nats.kill();
    stack.nats.start_again().unwrap();
    // What the broker had not written is gone; the runner tells it again.
    for commit in &commits {
        stack.publish(commit).await;
    }
    stack.counted([11, 0, 11, 11]).await;
    aggregator.stop().await;
    stack.publish(&stack.commit(2, 1, true)).await;
    let aggregator = stack.aggregator().await;
    stack.counted([11, 1, 12, 12]).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_aggregators_count_once() {
    let stack = Stack::start().await;
    let (one, two) = (stack.aggregator().await, stack.aggregator().await);
    for no in 1..=10 {
        for partition in 0..5 {
            stack.publish(&stack.commit(partition, no, false)).await;
        }
    }
    stack.counted([50, 0, 50, 50]).await;
    one.stop().await;
    stack.publish(&stack.commit(0, 11, false)).await;
    stack.counted([51, 0, 51, 51]).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_passed_over() {
    let stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    let nonsense = Outgoing {
        subject: subject::events(AccountId::named("default"), "message.sent"),
        headers: Vec::new(),
        payload: "{".into(),
    };
    stack.publish(&[nonsense]).await;
    stack.publish(&stack.commit(0, 1, false)).await;
    stack.counted([1, 0, 1, 1]).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_has_lost_is_asked_for() {
    let stack = Stack::start().await;
    let lost: Vec<v1::PublishedEvents> = [stack.commit(4, 2, true), stack.commit(4, 4, false)]
        .concat()
        .into_iter()
        .map(|event| v1::PublishedEvents { subject: event.subject, payload: event.payload })
        .collect();
    let runner = Server::new(&stack.bus, "execution-runner")
        .handle(subject::runner::COMMITS, |_: v1::CommitsRequest| async {
            Ok(v1::CommitsResponse { commits: vec![v1::PartitionCommit { partition: 4, commit_no: 4 }] })
        })
        .handle(subject::runner::COMMIT_EVENTS, move |request: v1::CommitEventsRequest| {
            // Commit 2 is a hole between two that were told; commit 4 is the last one, and nothing comes after it.
            let wanted = if request.before_commit_no == 3 { &lost[..3] } else { &lost[3..] };
            let events = wanted.to_vec();
            async move { Ok(v1::CommitEventsResponse { events, more: false }) }
        })
        .start()
        .await
        .unwrap();
    let aggregator = stack.aggregator().await;
    stack.publish(&stack.commit(4, 1, false)).await;
    stack.publish(&stack.commit(4, 3, false)).await;
    stack.counted([3, 1, 4, 4]).await;
    let now = clock::now_ms();
    let day = 24 * 60 * 60 * 1000;
    let found = stack.metrics(stack.workflow, (now - day, now + day), v1::Granularity::Day, "UTC").await;
    assert!(found.complete);
    assert_eq!(found.unique_customers, 1);
    aggregator.stop().await;
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_hole_is_counted_in_steps_and_each_event_once_when_it_is_cut_off_between_them() {
    // Of the last of these the first step holds one event of three.
    const LOST: u64 = 3_334;
    let stack = Stack::start().await;
    let whole = Arc::new(AtomicBool::new(false));
    let runner = forgetful(&stack, LOST, Arc::clone(&whole)).await;
    let aggregator = stack.aggregator().await;
    stack.publish(&stack.commit(4, 1, false)).await;
    stack.publish(&stack.commit(4, LOST + 2, false)).await;
    // What is known so far counts, in whole commits, while the runner does not tell the rest.
    let counted = i64::try_from(LOST).unwrap();
    stack.counted([counted, 0, counted, counted]).await;
    aggregator.stop().await;
    whole.store(true, Ordering::Relaxed);

    let aggregator = stack.aggregator().await;

    stack.counted([counted + 2, 0, counted + 2, counted + 2]).await;
    stack.publish(&stack.commit(4, LOST + 3, false)).await;
    stack.counted([counted + 3, 0, counted + 3, counted + 3]).await;
    aggregator.stop().await;
    runner.stop().await;
}

/// A runner that tells of so many commits after the first one, 2,000 events at a time, and of the last commit only when `whole`
/// says so.
async fn forgetful(stack: &Stack, lost: u64, whole: Arc<AtomicBool>) -> RunningServer {
    let publish = |(no, event): (u64, (u32, Outgoing))| {
        let (index, Outgoing { subject, payload, .. }) = event;
        ((no, index), v1::PublishedEvents { subject, payload })
    };
    let lost: Vec<((u64, u32), v1::PublishedEvents)> = (2..lost + 2)
        .flat_map(|no| (0..).zip(stack.commit(4, no, false)).map(move |event| (no, event)))
        .map(publish)
        .collect();
    Server::new(&stack.bus, "execution-runner")
        .handle(subject::runner::COMMITS, |_: v1::CommitsRequest| async {
            Err::<v1::CommitsResponse, _>(Failure::of(ErrorCode::ServiceUnavailable))
        })
        .handle(subject::runner::COMMIT_EVENTS, move |request: v1::CommitEventsRequest| {
            let after = (request.after_commit_no, request.after_index);
            let rest: Vec<_> = lost.iter().filter(|(place, _)| *place > after).collect();
            let more = rest.len() > 2_000;
            let events: Vec<_> = rest.into_iter().take(2_000).map(|(_, event)| event.clone()).collect();
            let refused = events.len() <= 3 && !whole.load(Ordering::Relaxed);
            async move {
                if refused {
                    return Err(Failure::of(ErrorCode::ServiceUnavailable));
                }
                Ok(v1::CommitEventsResponse { events, more })
            }
        })
        .start()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_workflow_that_is_erased_are_gone() {
    let stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    stack.publish(&stack.commit(1, 1, false)).await;
    stack.counted([1, 0, 1, 1]).await;

    let request = v1::EraseWorkflowRequest {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: stack.workflow.to_vec().into(),
    };
    let erased: v1::EraseWorkflowResponse = stack
        .bus
        .rpc()
        .call(subject::metrics::ERASE_WORKFLOW, &request, std::time::Duration::from_secs(30))
        .await
        .unwrap();

    assert!(erased.done);
    let now = clock::now_ms();
    let day = 24 * 60 * 60 * 1000;
    let found = stack.metrics(stack.workflow, (now - day, now + day), v1::Granularity::Day, "UTC").await;
    assert_eq!((found.totals.unwrap(), found.unique_customers), (v1::Numbers::default(), 0));
    aggregator.stop().await;
}
