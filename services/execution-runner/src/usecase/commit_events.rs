//! How far the partitions are, and their events once more, for a consumer that misses some.

use contracts::v1::{self, Failure};
use prost::Message;

use super::failure;
use crate::partition::port::OutboxKey;
use crate::partition::tell;
use crate::store::read::Reads;

/// Commits looked at for one answer.
const COMMITS_MAX: u32 = 16;
/// Bytes of events in one answer, below the broker's 1 MiB together with the largest single event.
const BYTES_MAX: usize = 512 * 1024;

/// The last commit of every partition.
pub(crate) async fn commits(reads: &Reads) -> Result<v1::CommitsResponse, Failure> {
    let commits = reads.commits().await.map_err(|error| failure(&error))?;
    let commit = |key: OutboxKey| v1::PartitionCommit { partition: key.partition, commit_no: key.commit_no };
    Ok(v1::CommitsResponse { commits: commits.into_iter().map(commit).collect() })
}

/// The events after a place of a partition, as they were published.
pub(crate) async fn commit_events(
    reads: &Reads,
    request: v1::CommitEventsRequest,
) -> Result<v1::CommitEventsResponse, Failure> {
    let first = OutboxKey { partition: request.partition, commit_no: request.after_commit_no };
    let rows = reads.told(first, request.before_commit_no, COMMITS_MAX).await;
    let rows = rows.map_err(|error| failure(&error))?;
    let executions = reads.executions_of(&rows).await.map_err(|error| failure(&error))?;
    let mut more = rows.len() == COMMITS_MAX as usize;
    let mut events = Vec::new();
    let mut bytes = 0;
    for row in &rows {
        let begun = row.key.commit_no == request.after_commit_no;
        let skip = if begun { request.after_index as usize + 1 } else { 0 };
        for event in tell::events_of(row, &executions, skip) {
            if bytes > BYTES_MAX {
                more = true;
                return Ok(v1::CommitEventsResponse { events, more });
            }
            bytes += event.encoded_len();
            events.push(event);
        }
    }
    // Commits that tell nothing new must not look like more for ever.
    more = more && !events.is_empty();
    Ok(v1::CommitEventsResponse { events, more })
}
