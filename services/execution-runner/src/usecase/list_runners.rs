//! Who owns what, and how much waits to be handled.
//!
//! The tables say where each partition stands, the streams how far it could be. A cursor moves with the commits of its
//! partition and else with each renewal of the lease, so of a partition for which nothing comes in it may be some
//! seconds behind the stream.

use std::collections::{BTreeMap, BTreeSet};

use bus::Bus;
use bus::frames;
use bus::reader::StreamState;
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use futures::{StreamExt, TryStreamExt};

use super::failure;
use crate::store::read::{Cursor, Ownerships, Reads};

/// Frames whose time is asked for at once.
const ASKED_AT_ONCE_MAX: usize = 8;

/// The times at which frames were stored, by group and place, Unix milliseconds; none for one that is gone.
type Times = BTreeMap<(u32, u64), Option<i64>>;

/// Answers; not at all when the broker is away, since a backlog that is not known must not look like none.
pub(crate) async fn list_runners(reads: &Reads, bus: &Bus) -> Result<v1::ListRunnersResponse, Failure> {
    let Ownerships { runners, partitions, as_of_ms } =
        reads.ownerships().await.map_err(|error| failure(&error))?;
    let cursors: Vec<Cursor> = partitions.iter().map(|(_, cursor)| *cursor).collect();
    let streams = streams(bus, &cursors).await.map_err(|error| away(&error))?;
    let times = times(bus, &streams, &cursors).await.map_err(|error| away(&error))?;
    let partitions = partitions
        .into_iter()
        .map(|(state, cursor)| {
            let waiting = streams.get(&cursor.group).and_then(|stream| first_waiting(stream, &cursor));
            let stored_at_ms =
                waiting.and_then(|(seq, _)| times.get(&(cursor.group, seq)).copied().flatten());
            // A frame that is gone was applied by all meanwhile.
            let backlog_frames = waiting.filter(|_| stored_at_ms.is_some()).map_or(0, |(_, frames)| frames);
            v1::PartitionState { backlog_frames, oldest_input_at_ms: stored_at_ms, ..state }
        })
        .collect();
    Ok(v1::ListRunnersResponse { runners, partitions, as_of_ms })
}

/// The streams of all groups.
async fn streams(bus: &Bus, cursors: &[Cursor]) -> Result<BTreeMap<u32, StreamState>, bus::Unavailable> {
    let groups: BTreeSet<u32> = cursors.iter().map(|cursor| cursor.group).collect();
    let mut streams = BTreeMap::new();
    for group in groups {
        streams.insert(group, frames::stream(bus, group).await?);
    }
    Ok(streams)
}

/// When the first frames after the cursors were stored, each asked for once. Of the first one of a stream it is known.
async fn times(
    bus: &Bus,
    streams: &BTreeMap<u32, StreamState>,
    cursors: &[Cursor],
) -> Result<Times, bus::Unavailable> {
    let mut times = Times::new();
    let mut unknown = BTreeSet::new();
    for cursor in cursors {
        let Some(stream) = streams.get(&cursor.group) else { continue };
        let Some((seq, _)) = first_waiting(stream, cursor) else { continue };
        if seq == stream.first_seq {
            times.insert((cursor.group, seq), Some(stream.first_at_ms));
        } else {
            unknown.insert((cursor.group, seq));
        }
    }
    let asked = futures::stream::iter(unknown).map(|(group, seq)| async move {
        Ok::<_, bus::Unavailable>(((group, seq), frames::stored_at_ms(bus, group, seq).await?))
    });
    let found: Vec<_> = asked.buffer_unordered(ASKED_AT_ONCE_MAX).try_collect().await?;
    times.extend(found);
    Ok(times)
}

/// The first frame of the stream that a partition has not passed, and how many there are from it on.
fn first_waiting(stream: &StreamState, cursor: &Cursor) -> Option<(u64, u64)> {
    let applied_seq = if cursor.incarnation == stream.incarnation { cursor.applied_seq } else { 0 };
    let seq = (applied_seq + 1).max(stream.first_seq);
    (seq <= stream.last_seq).then(|| (seq, stream.last_seq - seq + 1))
}

fn away(error: &bus::Unavailable) -> Failure {
    tracing::warn!(%error, "the streams cannot be asked for");
    Failure::because(ErrorCode::ServiceUnavailable, "The bus is away")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_is_what_the_stream_still_has_after_the_cursor() {
        let stream = StreamState { incarnation: 7, first_seq: 11, last_seq: 20, first_at_ms: 0 };
        let at = |incarnation, applied_seq| Cursor { group: 0, incarnation, applied_seq };
        for (cursor, waiting) in [
            (at(7, 20), None),
            (at(7, 25), None),
            (at(7, 19), Some((20, 1))),
            (at(7, 10), Some((11, 10))),
            (at(7, 3), Some((11, 10))),
            // Of a stream that was made again everything is to be read.
            (at(6, 20), Some((11, 10))),
        ] {
            assert_eq!(first_waiting(&stream, &cursor), waiting, "{cursor:?}");
        }
        let empty = StreamState { first_seq: 21, ..stream };
        assert_eq!(first_waiting(&empty, &at(6, 0)), None);
    }
}
