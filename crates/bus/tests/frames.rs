//! Inputs are joined into frames; what is acknowledged is there, what is not is said.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::time::Duration;

use crate::support::{Broker, input};
use bus::frames::{self, AppendError, Writer};
use bus::reader::StreamMessage;
use bus::{Bus, Topology};
use contracts::v1;
use prost::Message;

/// All inputs of the stream, frame by frame.
async fn stored(bus: &Bus) -> Vec<Vec<String>> {
    let last_seq = frames::stream(bus, 0).await.unwrap().last_seq;
    let mut found = Vec::new();
    let show = |frame: StreamMessage| {
        let frame = v1::Frame::decode(frame.payload).unwrap();
        found.push(frame.inputs.into_iter().map(|input| input.customer_id).collect());
        false
    };
    frames::scan(bus, 0, (1, last_seq), usize::MAX, show).await.unwrap();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_wait_share_a_frame_and_keep_their_callers_order() {
    let broker = Broker::start().await;
    let writer = Writer::start(&broker.bus, 0);
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64 {
        let writer = writer.clone();
        callers.spawn(async move {
            for n in 0..20 {
                writer.append(input(format!("{caller}/{n}"))).await.unwrap();
            }
        });
    }
    callers.join_all().await;

    let frames = stored(&broker.bus).await;
    let all: Vec<&String> = frames.iter().flatten().collect();
    assert_eq!(all.len(), 64 * 20);
    assert!(frames.len() < all.len() / 2, "{} frames", frames.len());
    for caller in 0..64 {
        let of_caller: Vec<&str> =
            all.iter().filter_map(|name| name.strip_prefix(&format!("{caller}/"))).collect();
        let numbers: Vec<usize> = of_caller.iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_gathers_joins_what_comes_one_after_the_other() {
    let broker = Broker::start().await;
    let writer = Writer::gathering(&broker.bus, 0, Duration::from_secs(2));
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..5 {
        let writer = writer.clone();
        callers.spawn(async move {
            tokio::time::sleep(Duration::from_millis(50 * n)).await;
            writer.append(input(n.to_string())).await.unwrap();
        });
    }
    callers.join_all().await;

    assert_eq!(stored(&broker.bus).await, [["0", "1", "2", "3", "4"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_count_before_the_inputs_that_follow_them() {
    let broker = Broker::start().await;
    let writer = Writer::start(&broker.bus, 0);
    let marker = v1::CatalogMarker { state_no: 1, ..v1::CatalogMarker::default() };
    let first = writer.append(input("before")).await.unwrap();
    let second = writer.append_markers(vec![marker]).await.unwrap();
    let third = writer.append(input("after")).await.unwrap();
    assert!(first < second && second <= third, "{first} {second} {third}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_missing_after_the_server_was_killed() {
    let mut broker = Broker::start().await;
    let writer = Writer::start(&broker.bus, 0);
    let mut acknowledged = HashSet::new();
    let mut refused = 0;
    for n in 0..300 {
        match n {
            100 => broker.nats.kill(),
            150 => {
                broker.nats.start_again().unwrap();
                broker.connected_again().await;
            }
            _ => {}
        }
        let appended =
            tokio::time::timeout(Duration::from_secs(10), writer.append(input(n.to_string()))).await;
        match appended.unwrap() {
            Ok(_) => {
                acknowledged.insert(n.to_string());
            }
            Err(AppendError::Unavailable(_) | AppendError::Unknown(_)) => refused += 1,
            Err(other) => unreachable!("{other}"),
        }
    }
    assert!(refused >= 50 && acknowledged.len() >= 200, "{refused} {}", acknowledged.len());
    let there: HashSet<String> = stored(&broker.bus).await.into_iter().flatten().collect();
    assert_eq!(acknowledged.difference(&there).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_and_takes_again_when_there_is_room() {
    let topology = Topology { turns_bytes_max: 2 << 20, ..Topology::default() };
    let broker = Broker::with(topology, 1).await;
    let writer = Writer::start(&broker.bus, 0);
    let large = || input("x".repeat(500_000));
    let mut kept = 0;
    let refusal = loop {
        match writer.append(large()).await {
            Ok(seq) => kept = seq,
            Err(error) => break error,
        }
        assert!(kept < 10, "the stream never fills up");
    };
    assert!(matches!(refusal, AppendError::Refused(_)), "{refusal}");
    assert!(refusal.is_not_stored());
    let incarnation = frames::stream(&broker.bus, 0).await.unwrap().incarnation;
    frames::purge_below(&broker.bus, 0, incarnation, kept + 1).await.unwrap();
    writer.append(large()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_fits_no_frame_is_refused() {
    let broker = Broker::start().await;
    let writer = Writer::start(&broker.bus, 0);
    let refusal = writer.append(input("x".repeat(1 << 20))).await;
    assert!(matches!(refusal, Err(AppendError::TooLarge)));
}
