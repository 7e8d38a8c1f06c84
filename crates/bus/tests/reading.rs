//! Streams are read in order, each message once, over a killed server.

use std::time::Duration;

use crate::support::{Broker, PATIENCE, input};
use bus::events::{Begin, Subscription};
use bus::frames::{self, Scanned, Writer};
use bus::publish::Outgoing;
use bus::{Bus, BusConfig, Layout};
use contracts::{subject, v1};
use flow_model::{AccountId, WorkflowId};
use futures::StreamExt;
use local_stack::Nats;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_opened_after_its_cursor_misses_and_repeats_nothing() {
    let mut broker = Broker::start().await;
    let writer = Writer::start(&broker.bus, 0);
    for n in 0..400 {
        writer.append(input(n.to_string())).await.unwrap();
    }
    let last_seq = frames::stream(&broker.bus, 0).await.unwrap().last_seq;
    let mut seen: Vec<u64> = Vec::new();
    let mut failures = 0;
    let mut killed = false;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while seen.last() != Some(&last_seq) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} of {last_seq} after {failures} failures",
            seen.len()
        );
        let next = seen.last().map_or(1, |seq| seq + 1);
        let Ok(mut reader) = frames::read(&broker.bus, 0, next).await else {
            failures += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while let Ok(batch) = reader.next_batch(10, Duration::from_secs(1)).await {
            seen.extend(batch.iter().map(|message| message.seq));
            if seen.last() == Some(&last_seq) {
                break;
            }
            if seen.len() > 100 && !killed {
                killed = true;
                broker.nats.kill();
                broker.nats.start_again().unwrap();
            }
        }
    }
    assert_eq!(seen, (1..=last_seq).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_says_how_far_it_came() {
    let broker = Broker::start().await;
    let writer = Writer::start(&broker.bus, 0);
    let mut last = 0;
    for n in 0..20 {
        last = writer.append(input(n.to_string())).await.unwrap();
    }
    let scan = async |frames_max: usize, wanted: u64| {
        frames::scan(&broker.bus, 0, (1, last), frames_max, |frame| frame.seq == wanted).await.unwrap()
    };
    assert_eq!(scan(100, 7).await, Scanned::Found);
    assert_eq!(scan(100, 1000).await, Scanned::All);
    assert_eq!(scan(5, 1000).await, Scanned::Part);
    let incarnation = frames::stream(&broker.bus, 0).await.unwrap().incarnation;
    frames::purge_below(&broker.bus, 0, incarnation, last + 1).await.unwrap();
    assert_eq!(scan(100, 7).await, Scanned::All);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_subscription_goes_on_where_it_stopped() {
    let broker = Broker::start().await;
    let account = AccountId::named("default");
    let event = |n: usize| Outgoing {
        subject: subject::events(account, "message.sent"),
        headers: Vec::new(),
        payload: format!("[{n}]").into(),
    };
    let published: Vec<Outgoing> = (0..10).map(event).collect();
    broker.bus.publish_all(&published).await.unwrap();
    let mut heard: Vec<String> = Vec::new();
    for _ in 0..2 {
        let subscription =
            Subscription::durable(&broker.bus, "mine", subject::EVENTS_ALL, Begin::All).await.unwrap();
        for message in subscription.next_batch(5, Duration::from_secs(2)).await.unwrap() {
            heard.push(String::from_utf8(message.payload.to_vec()).unwrap());
            message.ack().await.unwrap();
        }
    }
    assert_eq!(heard, (0..10).map(|n| format!("[{n}]")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_do_not_fit_into_one_message_arrive_in_parts() {
    let broker = Broker::start().await;
    let mut heard = broker.bus.subscribe_answers("turnloom.answers.test").await.unwrap();
    let answers = (0..30_u8)
        .map(|n| v1::Answer {
            input_execution_id: vec![n; 16].into(),
            reason: "x".repeat(100_000),
            ..v1::Answer::default()
        })
        .collect();
    broker.bus.send_answers("turnloom.answers.test", v1::Answers { answers }).await.unwrap();
    for n in 0..30_u8 {
        let answer = tokio::time::timeout(PATIENCE, heard.next()).await.unwrap().unwrap();
        assert_eq!(answer.input_execution_id, vec![n; 16]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_layout_is_known_once_the_streams_are_set_up() {
    let nats = Nats::ephemeral().unwrap();
    let bus = Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.unwrap();
    assert_eq!(bus.layout().await.unwrap(), None);
    let layout = Layout { partitions: 12, groups: 3 };
    bus.ensure_topology(&bus::Topology::default(), layout).await.unwrap();
    let before = frames::stream(&bus, 2).await.unwrap();
    bus.ensure_topology(&bus::Topology::default(), layout).await.unwrap();
    assert_eq!(bus.layout().await.unwrap(), Some(layout));
    assert_eq!(frames::stream(&bus, 2).await.unwrap(), before, "setting up again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_found_by_workflow_and_revision() {
    let broker = Broker::start().await;
    let workflow = WorkflowId::new(uuid::Uuid::from_u128(7));
    let definition = v1::Definition {
        workflow_id: workflow.to_vec().into(),
        revision: 3,
        configuration_json: "{}".into(),
        ..v1::Definition::default()
    };
    broker.bus.definitions().put(workflow, &definition).await.unwrap();
    assert_eq!(broker.bus.definitions().get(workflow, 3).await.unwrap(), Some(definition));
    assert_eq!(broker.bus.definitions().get(workflow, 4).await.unwrap(), None);
}
