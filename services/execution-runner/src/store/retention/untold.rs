//! What a commit has to tell is read from the execution's row, so that stays until it is told.
//!
//! Nearly always it was, years ago. But a dead letter that is tried again starts when it was accepted, and its runner may die
//! before it has told the end.

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use prost::Message;
use tokio_postgres::{Error, Transaction};

const OPEN: &str = "SELECT payload FROM partitions AS owned
JOIN outbox ON outbox.partition = owned.id AND outbox.commit_no > owned.told_no LIMIT $1";

/// Open rows that are looked at. When there are more the broker is away, and nothing is dropped until it is back.
const ROWS_MAX: i64 = 2000;

/// Whether an execution that started before this, Unix milliseconds, is not told, or may not be.
pub(super) async fn starts_before(transaction: &Transaction<'_>, before_ms: i64) -> Result<bool, Error> {
    let rows = transaction.query(OPEN, &[&(ROWS_MAX + 1)]).await?;
    let concerned = |payload: &[u8]| {
        // One that cannot be read tells nothing.
        let outbox = v1::Outbox::decode(payload).unwrap_or_default();
        outbox.entries.iter().any(|entry| match &entry.entry {
            Some(Entry::Execution(reference)) => reference.started_at_ms < before_ms,
            // These carry what they tell.
            Some(Entry::Ignored(_) | Entry::Part(_) | Entry::Note(_)) | None => false,
        })
    };
    Ok(i64::try_from(rows.len()).is_ok_and(|rows| rows > ROWS_MAX)
        || rows.iter().any(|row| concerned(row.get(0))))
}
