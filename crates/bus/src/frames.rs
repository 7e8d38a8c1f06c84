//! The streams of inputs: writing frames, reading them, removing what is handled.

mod pace;
mod shares;
mod writer;

pub use writer::{AppendError, Writer};

use std::time::Duration;

use async_nats::jetstream::stream::RawMessageErrorKind;
use contracts::subject;

use crate::reader::{Reader, StreamMessage, StreamState, incarnation_of, stream_state};
use crate::{Bus, Unavailable};

/// Asks for a group's stream.
///
/// # Errors
/// When NATS is away or the stream is missing.
pub async fn stream(bus: &Bus, group: u32) -> Result<StreamState, Unavailable> {
    stream_state(bus, &subject::turns_stream(group)).await
}

/// When the first of a group's frames from `seq` on that is still there was stored, Unix milliseconds; none when there is
/// none.
///
/// # Errors
/// When NATS is away.
pub async fn stored_at_ms(bus: &Bus, group: u32, seq: u64) -> Result<Option<i64>, Unavailable> {
    bus.require_connected()?;
    let name = subject::turns_stream(group);
    let stream = bus.jetstream.get_stream_no_info(name).await.map_err(Unavailable::new)?;
    match stream.get_first_raw_message_by_subject(subject::turns(group), seq).await {
        Ok(frame) => Ok(Some(frame.time.timestamp_millis())),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Unavailable::new(error)),
    }
}

/// Reads a group's frames from `from_seq` on.
///
/// # Errors
/// As [`Reader::open`].
pub async fn read(bus: &Bus, group: u32, from_seq: u64) -> Result<Reader, Unavailable> {
    Reader::open(bus, &subject::turns_stream(group), from_seq).await
}

/// Shows the frames from `from_seq` to `to_seq` that are still there to `visit`, one after the other, at most
/// `frames_max`, until it has seen enough and gives `true`. Gives whether it did, or whether all were shown.
///
/// # Errors
/// When NATS is away.
pub async fn scan(
    bus: &Bus,
    group: u32,
    (from_seq, to_seq): (u64, u64),
    frames_max: usize,
    mut visit: impl FnMut(StreamMessage) -> bool,
) -> Result<Scanned, Unavailable> {
    let mut reader = read(bus, group, from_seq).await?;
    let mut shown = 0;
    let mut last_seq = from_seq.saturating_sub(1);
    while last_seq < to_seq {
        if shown >= frames_max {
            return Ok(Scanned::Part);
        }
        let batch = reader.next_batch(frames_max - shown, SCAN_WAIT).await?;
        if batch.is_empty() {
            // The frames up to the end have been handled and removed meanwhile.
            break;
        }
        for frame in batch {
            shown += 1;
            last_seq = frame.seq;
            if frame.seq <= to_seq && visit(frame) {
                return Ok(Scanned::Found);
            }
        }
    }
    Ok(Scanned::All)
}

/// How long a scan waits for a frame that should be there.
const SCAN_WAIT: Duration = Duration::from_secs(1);

/// How far a scan came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// `visit` had seen enough.
    Found,
    /// Every frame was shown.
    All,
    /// There are more frames than were to be shown.
    Part,
}

/// Removes the frames below `seq`, unless the stream has been made again since `incarnation`: its numbers mean other frames then.
///
/// # Errors
/// When NATS is away, or the stream is another one.
pub async fn purge_below(bus: &Bus, group: u32, incarnation: i64, seq: u64) -> Result<(), Unavailable> {
    bus.require_connected()?;
    let name = subject::turns_stream(group);
    let stream = bus.jetstream.get_stream(name).await.map_err(Unavailable::new)?;
    if incarnation_of(stream.cached_info()) != incarnation {
        return Err(Unavailable::new("the stream has been made again"));
    }
    stream.purge().sequence(seq).await.map(|_| ()).map_err(Unavailable::new)
}
