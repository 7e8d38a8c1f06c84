//! The streams of inputs: writing frames, reading them, removing what is handled.

mod writer;

pub use writer::{AppendError, Writer};

use contracts::subject;

use crate::reader::{Reader, StreamMessage};
use crate::{Bus, Unavailable};

/// A group's stream as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamState {
    /// Creation time, Unix nanoseconds. It survives a restart and changes when the stream is made again.
    pub incarnation: i64,
    /// The last frame's place; 0 before the first.
    pub last_seq: u64,
}

/// Asks for a group's stream.
///
/// # Errors
/// When NATS is away or the stream is missing.
pub async fn stream(bus: &Bus, group: u32) -> Result<StreamState, Unavailable> {
    bus.require_connected()?;
    let stream = bus.jetstream.get_stream(subject::turns_stream(group)).await.map_err(Unavailable::new)?;
    let info = stream.cached_info();
    Ok(StreamState {
        incarnation: info.created.timestamp_nanos_opt().unwrap_or_default(),
        last_seq: info.state.last_sequence,
    })
}

/// Reads a group's frames from `from_seq` on.
///
/// # Errors
/// As [`Reader::open`].
pub async fn read(bus: &Bus, group: u32, from_seq: u64) -> Result<Reader, Unavailable> {
    Reader::open(bus, &subject::turns_stream(group), from_seq).await
}

/// The frames from `from_seq` to `to_seq` that are still there, at most `frames_max`.
///
/// # Errors
/// When NATS is away.
pub async fn read_range(
    bus: &Bus,
    group: u32,
    from_seq: u64,
    to_seq: u64,
    frames_max: usize,
) -> Result<Vec<StreamMessage>, Unavailable> {
    let mut frames: Vec<StreamMessage> = Vec::new();
    let mut reader = read(bus, group, from_seq).await?;
    while frames.len() < frames_max
        && frames.last().map_or(from_seq.saturating_sub(1), |last| last.seq) < to_seq
    {
        let left = frames_max - frames.len();
        let batch = reader.next_batch(left, crate::connection::CALL_DEADLINE).await?;
        if batch.is_empty() {
            break;
        }
        frames.extend(batch.into_iter().filter(|frame| frame.seq <= to_seq));
    }
    Ok(frames)
}

/// Removes the frames below `seq`.
///
/// # Errors
/// When NATS is away.
pub async fn purge_below(bus: &Bus, group: u32, seq: u64) -> Result<(), Unavailable> {
    bus.require_connected()?;
    let name = subject::turns_stream(group);
    let stream = bus.jetstream.get_stream_no_info(name).await.map_err(Unavailable::new)?;
    stream.purge().sequence(seq).await.map(|_| ()).map_err(Unavailable::new)
}
