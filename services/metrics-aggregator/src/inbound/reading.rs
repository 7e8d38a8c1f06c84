//! Reads the stream of events on from where the numbers stand.
//!
//! Whatever fails ends the session; the next one asks the database where the numbers stand and reads from there. A
//! session begins a little earlier than it must: a broker that was killed may have lost its last events, and the
//! runners publish them again under places in the stream that had been read. What was counted is not counted again.
//! Every few seconds the runners are asked how far they are; what the stream never told is asked for.

use std::collections::HashMap;
use std::time::Duration;

use bus::Bus;
use bus::events;
use bus::reader::Reader;
use contracts::subject;
use flow_rollup::Fact;
use platform::lifecycle::Shutdown;
use tokio::time::Instant;

use crate::events::read;
use crate::runner::Runner;
use crate::store::{Progress, Store};
use crate::usecase::count::{CountError, Counter};

/// Messages folded in one transaction.
const MESSAGES_MAX: usize = 512;
/// Longest wait for messages, so that a stop is noticed soon.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Bytes of messages that are worth a transaction at once.
const BYTES_ENOUGH: usize = 256 * 1024;
/// Fewer are counted together with what comes within this time: a transaction costs the same for all of them.
const GATHER: Duration = Duration::from_millis(100);
/// Pause after a session that failed.
const PAUSE: Duration = Duration::from_millis(500);
/// Messages that a session reads again.
const REWIND: u64 = 10_000;
/// Pause between questions whether anything is missing.
const CATCH_UP_EVERY: Duration = Duration::from_secs(3);

/// Reads until the stop is asked for.
pub(crate) async fn run(bus: &Bus, store: &Store, shutdown: &Shutdown) {
    while !shutdown.is_requested() {
        let Err(error) = session(bus, store, shutdown).await else { return };
        tracing::warn!(%error, "counting events has to begin anew");
        metrics::counter!("turnloom_metrics_sessions_failed_total").increment(1);
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = shutdown.requested() => {}
        }
    }
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Bus(#[from] bus::Unavailable),
    #[error(transparent)]
    Count(#[from] CountError),
}

async fn session(bus: &Bus, store: &Store, shutdown: &Shutdown) -> Result<(), SessionError> {
    let stream = events::stream(bus).await?;
    let mut counter = Counter::resume(store.clone(), Runner::new(bus.clone())).await?;
    let stored = counter.progress();
    let from = if stored.incarnation == stream.incarnation && stored.stream_seq <= stream.last_seq {
        stored.stream_seq.saturating_sub(REWIND)
    } else {
        0
    };
    let mut reader = Reader::open(bus, subject::EVENTS_STREAM, from + 1).await?;
    let mut lagging = HashMap::new();
    let mut caught_up_at = Instant::now();
    while !shutdown.is_requested() {
        let messages = reader.next_batch(MESSAGES_MAX, WAIT_MAX).await?;
        if let Some(last) = messages.last() {
            let reached = Progress { incarnation: stream.incarnation, stream_seq: last.seq };
            let facts: Vec<Fact> =
                messages.iter().flat_map(|message| read(&message.subject, &message.payload)).collect();
            let read = facts.len() as u64;
            counter.count(reached, facts).await?;
            metrics::counter!("turnloom_metrics_events_total").increment(read);
            let bytes: usize = messages.iter().map(|message| message.payload.len()).sum();
            if messages.len() < MESSAGES_MAX && bytes < BYTES_ENOUGH {
                tokio::time::sleep(GATHER).await;
            }
        }
        // Behind a stream that still has something, what is missing may just not be read yet.
        if messages.is_empty() && caught_up_at.elapsed() > CATCH_UP_EVERY {
            caught_up_at = Instant::now();
            // While no runner answers there is nothing to catch up with.
            if let Err(error @ CountError::Store(_)) = counter.catch_up(&mut lagging).await {
                return Err(error.into());
            }
        }
    }
    Ok(())
}
