//! What happened in one conversation: its executions and what is kept beside them.

use chrono::{DateTime, Utc};
use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use diesel::sql_types::{BigInt, Binary, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::ConversationId;
use prost::Message;

use super::row::{ExecutionRow, FINISHED_COLUMNS, RUNNING_COLUMNS};
use super::{ReadError, Reads};
use crate::store::noted_at_ms;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Happened {
    /// A turn, over or running.
    Execution(Box<v1::Execution>),
    /// Something beside the turns.
    Note(Box<Entry>),
}

impl Happened {
    /// Of its first event.
    pub fn first_seq(&self) -> u64 {
        match self {
            Self::Execution(execution) => {
                execution.record.as_ref().map_or(0, |record| record.first_conversation_seq)
            }
            Self::Note(entry) => match entry.as_ref() {
                Entry::Ignored(ignored) => ignored.first_conversation_seq,
                Entry::Note(note) => note.conversation_seq,
                Entry::Execution(_) | Entry::Part(_) => 0,
            },
        }
    }

    /// When it began, Unix milliseconds.
    pub fn at_ms(&self) -> i64 {
        match self {
            Self::Execution(execution) => execution.started_at_ms,
            Self::Note(entry) => noted_at_ms(entry),
        }
    }
}

#[derive(QueryableByName)]
struct NoteRow {
    #[diesel(sql_type = Binary)]
    entry: Vec<u8>,
}

/// Rows of each kind that are read at once.
const ROWS_MAX: u32 = 200;
/// How much later than another input one may have been accepted that was handled before it: clocks of gateways differ.
const CLOCKS_DIFFER: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

impl Reads {
    /// What began in a conversation up to a time, newest first, of each kind at most so many; the running execution always.
    /// Gives the time to go on from when there is more.
    async fn happened(
        &self,
        conversation: ConversationId,
        until: DateTime<Utc>,
        rows_max: u32,
    ) -> Result<(Vec<Happened>, Option<DateTime<Utc>>), ReadError> {
        self.snapshot(move |connection| {
            Box::pin(async move {
                let finished = sql_query(format!(
                    "SELECT {FINISHED_COLUMNS} FROM executions WHERE conversation_id = $1 AND started_at <= $2
                     ORDER BY started_at DESC, id DESC LIMIT $3"
                ))
                .bind::<SqlUuid, _>(conversation.as_uuid())
                .bind::<Timestamptz, _>(until)
                .bind::<BigInt, _>(i64::from(rows_max))
                .load::<ExecutionRow>(connection)
                .await?;
                let running = sql_query(format!(
                    "SELECT {RUNNING_COLUMNS} FROM running_executions WHERE conversation_id = $1"
                ))
                .bind::<SqlUuid, _>(conversation.as_uuid())
                .load::<ExecutionRow>(connection)
                .await?;
                let notes = sql_query(
                    "SELECT entry FROM conversation_notes WHERE conversation_id = $1 AND at <= $2
                     ORDER BY at DESC, conversation_seq DESC LIMIT $3",
                )
                .bind::<SqlUuid, _>(conversation.as_uuid())
                .bind::<Timestamptz, _>(until)
                .bind::<BigInt, _>(i64::from(rows_max))
                .load::<NoteRow>(connection)
                .await?;
                let is_full = |rows: usize| rows >= rows_max as usize;
                let (some_finished, some_notes) = (is_full(finished.len()), is_full(notes.len()));
                let executions: Vec<v1::Execution> =
                    finished.into_iter().map(ExecutionRow::into_message).collect();
                let notes: Vec<Entry> = notes
                    .into_iter()
                    .filter_map(|row| v1::OutboxEntry::decode(row.entry.as_slice()).ok()?.entry)
                    .collect();
                // Of what lies before the oldest row of a part that was cut only some is at hand.
                let cut_executions =
                    executions.last().filter(|_| some_finished).map(|oldest| oldest.started_at_ms);
                let cut_notes = notes.last().filter(|_| some_notes).map(noted_at_ms);
                let next = cut_executions.max(cut_notes).and_then(DateTime::from_timestamp_millis);
                let mut happened: Vec<Happened> = executions
                    .into_iter()
                    .map(|execution| Happened::Execution(Box::new(execution)))
                    .chain(notes.into_iter().map(|entry| Happened::Note(Box::new(entry))))
                    .filter(|one| {
                        next.is_none_or(|next: DateTime<Utc>| one.at_ms() >= next.timestamp_millis())
                    })
                    .collect();
                let running = running.into_iter().map(ExecutionRow::into_message);
                happened.extend(running.map(|execution| Happened::Execution(Box::new(execution))));
                happened.sort_by_key(|one| std::cmp::Reverse(one.first_seq()));
                Ok((happened, next))
            })
        })
        .await
    }

    /// What happened in a conversation, newest first, from there back until it is `enough`, or everything is told.
    pub async fn happened_back(
        &self,
        conversation: ConversationId,
        from_ms: i64,
        enough: impl Fn(&[Happened]) -> bool,
    ) -> Result<Vec<Happened>, ReadError> {
        let from = DateTime::from_timestamp_millis(from_ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut until = from + CLOCKS_DIFFER;
        let mut found: Vec<Happened> = Vec::new();
        loop {
            let (happened, next) = self.happened(conversation, until, ROWS_MAX).await?;
            found.extend(happened);
            found.sort_by_key(|one| std::cmp::Reverse(one.first_seq()));
            found.dedup_by_key(|one| one.first_seq());
            match next {
                Some(next) if next < until && !enough(&found) => until = next,
                _ => return Ok(found),
            }
        }
    }
}
