//! However much waits in a stream, a reader holds a bounded part of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{Broker, PATIENCE};
use bus::frames::{self, Writer};
use contracts::v1;
use tokio::time::Instant;

/// Bytes of a large input, near the most that a frame takes.
const LARGE: usize = 800_000;
/// Bytes that a batch may have before it takes its last message.
const BATCH_BYTES: usize = 2 << 20;

/// Large and small frames in turn; gives the last one's place.
async fn fill(writer: &Writer, large: usize) -> u64 {
    let of = |bytes: usize| v1::Input { customer_id: "x".repeat(bytes), ..v1::Input::default() };
    let mut last = 0;
    for n in 0..large {
        writer.append(of(LARGE)).await.unwrap();
        for small in 0..n % 7 {
            last = writer.append(of(small * 1000)).await.unwrap();
        }
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_large_frames_is_read_whole_and_in_order_in_bounded_batches() {
    let broker = Broker::start().await;
    let last = fill(&Writer::start(&broker.bus, 0), 70).await;
    let mut reader = frames::read(&broker.bus, 0, 1).await.unwrap();
    let mut seen: Vec<u64> = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while seen.last() != Some(&last) {
        assert!(Instant::now() < deadline, "{} of {last}", seen.len());
        // What was asked for is there when the next batch is taken.
        for _ in 0..20 {
            broker.bus.check().await.unwrap();
        }
        let batch = reader.next_batch(10_000, Duration::from_secs(1)).await.unwrap();
        let bytes: usize = batch.iter().rev().skip(1).map(|frame| frame.payload.len()).sum();
        assert!(bytes < BATCH_BYTES, "{bytes} before the last of {} frames", batch.len());
        seen.extend(batch.iter().map(|frame| frame.seq));
    }
    assert_eq!(seen, (1..=last).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_not_asked_any_more_is_sent_no_more() {
    let broker = Broker::start().await;
    fill(&Writer::start(&broker.bus, 0), 60).await;
    let mut reader = frames::read(&broker.bus, 0, 1).await.unwrap();
    assert_eq!(reader.next_batch(1, PATIENCE).await.unwrap().len(), 1);
    // So often that the server has sent what it was asked for.
    for _ in 0..200 {
        broker.bus.check().await.unwrap();
    }
    rustls::crypto::ring::default_provider().install_default().ok();
    let told = reqwest::get(format!("{}/varz", broker.nats.monitor_url())).await.unwrap();
    let told: serde_json::Value = told.json().await.unwrap();
    let sent = told.get("out_bytes").and_then(serde_json::Value::as_u64).unwrap();
    assert!(sent > LARGE as u64, "{sent} bytes of 48 MB were sent");
    assert!(sent < 12 << 20, "{sent} bytes of 48 MB were sent");
    assert!(!reader.next_batch(1, PATIENCE).await.unwrap().is_empty());
}
