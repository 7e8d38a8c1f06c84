//! Reads the stream of events on from where the numbers stand.
//!
//! Whatever fails ends the session; the next one asks the database where the numbers stand and reads from there. A
//! session begins a little earlier than it must: a broker that was killed may have lost its last events, and the
//! runners publish them again under places in the stream that had been read. What was counted is not counted again.

use std::time::Duration;

use bus::Bus;
use bus::events;
use bus::reader::{Reader, StreamMessage};
use contracts::subject;
use flow_model::AccountId;
use flow_rollup::Fact;
use platform::lifecycle::Shutdown;
use uuid::Uuid;

use super::events::read;
use crate::store::{Progress, Store};
use crate::usecase::fold::{self, FoldError};

/// Messages folded in one transaction.
const MESSAGES_MAX: usize = 64;
/// Longest wait for messages, so that a stop is noticed soon.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Pause after a session that failed.
const PAUSE: Duration = Duration::from_millis(500);
/// Messages that a session reads again.
const REWIND: u64 = 10_000;

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
    Fold(#[from] FoldError),
}

async fn session(bus: &Bus, store: &Store, shutdown: &Shutdown) -> Result<(), SessionError> {
    let stream = events::stream(bus).await?;
    let mut stored = fold::progress(store).await?;
    let from = if stored.incarnation == stream.incarnation && stored.stream_seq <= stream.last_seq {
        stored.stream_seq.saturating_sub(REWIND)
    } else {
        0
    };
    let mut reader = Reader::open(bus, subject::EVENTS_STREAM, from + 1).await?;
    while !shutdown.is_requested() {
        let messages = reader.next_batch(MESSAGES_MAX, WAIT_MAX).await?;
        let Some(last) = messages.last() else { continue };
        let reached = Progress { incarnation: stream.incarnation, stream_seq: last.seq };
        let facts: Vec<Fact> = messages.iter().flat_map(facts_of).collect();
        let counted = facts.len() as u64;
        fold::fold(store, stored, reached, facts).await?;
        stored = reached;
        metrics::counter!("turnloom_metrics_events_total").increment(counted);
    }
    Ok(())
}

fn facts_of(message: &StreamMessage) -> Vec<Fact> {
    let account = message.subject.split('.').nth(1).and_then(|text| Uuid::try_parse(text).ok());
    let Some(account) = account.map(AccountId::new) else {
        tracing::error!(subject = message.subject, "a subject names no account");
        return Vec::new();
    };
    read(account, &message.payload).unwrap_or_else(|error| {
        tracing::error!(subject = message.subject, seq = message.seq, %error, "events cannot be read");
        metrics::counter!("turnloom_metrics_events_unreadable_total").increment(1);
        Vec::new()
    })
}
