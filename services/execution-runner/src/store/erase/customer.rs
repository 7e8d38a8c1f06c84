//! Erasing a customer: executions stay as numbers, so that lists, totals and metrics go on to agree; who it was, what was said
//! and what was known goes.

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, Channel, ConversationId};
use prost::Message;
use uuid::Uuid;

use super::Erasing;
use crate::partition::tell;
use crate::store::code::time;
use crate::store::commit::uuid;
use crate::store::read::{ExecutionRow, FINISHED_COLUMNS, ReadError};

#[derive(QueryableByName)]
struct NoteRow {
    #[diesel(sql_type = Binary)]
    entry: Vec<u8>,
}

impl Erasing {
    /// Erases a part of what is kept of a customer, who stands as `erased_as` in what stays: at most so many executions, and
    /// when none is left the rest.
    pub async fn erase_customer(
        &self,
        account: AccountId,
        customer: String,
        erased_as: String,
        rows_max: u32,
    ) -> Result<v1::EraseCustomerResponse, ReadError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    let conversations: Vec<Uuid> = Channel::ALL
                        .iter()
                        .map(|channel| *ConversationId::of(account, channel.as_str(), &customer).as_uuid())
                        .collect();
                    let rows = sql_query(format!(
                        "SELECT {FINISHED_COLUMNS} FROM executions WHERE conversation_id = ANY($1) AND account_id = $2 LIMIT $3"
                    ))
                    .bind::<Array<SqlUuid>, _>(&conversations)
                    .bind::<SqlUuid, _>(account.as_uuid())
                    .bind::<BigInt, _>(i64::from(rows_max))
                    .load::<ExecutionRow>(connection)
                    .await?;
                    let executions: Vec<v1::Execution> =
                        rows.into_iter().map(ExecutionRow::into_message).collect();
                    let mut erased = v1::EraseCustomerResponse {
                        executions: executions.len() as u64,
                        messages: executions.iter().map(|one| tell::said_in(one).count() as u64).sum(),
                        ..v1::EraseCustomerResponse::default()
                    };
                    make_anonymous(connection, account, &executions, &erased_as).await?;
                    if executions.len() < rows_max as usize {
                        erased.messages += erase_notes(connection, &conversations).await?;
                        erased.dead_letters = erase_letters(connection, account, &customer).await?;
                        erased.done = true;
                    }
                    Ok(erased)
                })
            })
            .await
    }
}

/// Of each execution only its numbers stay.
async fn make_anonymous(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    executions: &[v1::Execution],
    erased_as: &str,
) -> Result<(), ReadError> {
    let ids: Vec<Uuid> = executions.iter().map(|one| uuid(&one.id)).collect();
    let started: Vec<_> = executions.iter().map(|one| time(one.started_at_ms)).collect();
    let conversations: Vec<Uuid> = executions
        .iter()
        .map(|one| *ConversationId::of(account, &one.channel, erased_as).as_uuid())
        .collect();
    let records: Vec<Vec<u8>> = executions
        .iter()
        .map(|one| one.record.as_ref().map(|record| only_numbers(record).encode_to_vec()).unwrap_or_default())
        .collect();
    sql_query(
        "UPDATE executions AS stored SET customer_id = $5, conversation_id = erased.conversation_id, record = erased.record
         FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[]) AS erased (id, started_at, conversation_id, record)
         WHERE stored.id = erased.id AND stored.started_at = erased.started_at",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Timestamptz>, _>(started)
    .bind::<Array<SqlUuid>, _>(conversations)
    .bind::<Array<Binary>, _>(records)
    .bind::<Text, _>(erased_as)
    .execute(connection)
    .await?;
    Ok(())
}

/// The record without anything that was said or known. It counts as before.
fn only_numbers(record: &v1::ExecutionRecord) -> v1::ExecutionRecord {
    let replies = record.replies.iter();
    let steps = record.steps.iter();
    v1::ExecutionRecord {
        message_id: String::new(),
        input_text: String::new(),
        metadata_json: bytes::Bytes::new(),
        keyword: record.keyword.as_ref().map(|_| String::new()),
        replies: replies.map(|reply| v1::Reply { text: String::new(), ..reply.clone() }).collect(),
        steps: steps.map(|step| v1::Step { output_json: "{}".into(), ..step.clone() }).collect(),
        error: record
            .error
            .as_ref()
            .map(|error| v1::ExecutionError { message: "erased".to_owned(), ..error.clone() }),
        handoff: record.handoff.as_ref().map(|handoff| v1::Handoff {
            note: String::new(),
            agent: String::new(),
            ..handoff.clone()
        }),
        ..record.clone()
    }
}

/// Removes what is kept beside executions; gives how many messages that was.
async fn erase_notes(connection: &mut AsyncPgConnection, conversations: &[Uuid]) -> Result<u64, ReadError> {
    let notes = sql_query("DELETE FROM conversation_notes WHERE conversation_id = ANY($1) RETURNING entry")
        .bind::<Array<SqlUuid>, _>(conversations)
        .load::<NoteRow>(connection)
        .await?;
    let is_message = |row: &&NoteRow| {
        let entry = v1::OutboxEntry::decode(row.entry.as_slice()).ok().and_then(|entry| entry.entry);
        match entry {
            Some(Entry::Ignored(_)) => true,
            Some(Entry::Note(note)) => {
                matches!(note.kind, Some(v1::conversation_note::Kind::Said(_)))
            }
            _ => false,
        }
    };
    Ok(notes.iter().filter(is_message).count() as u64)
}

async fn erase_letters(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    customer: &str,
) -> Result<u64, ReadError> {
    let erased = sql_query("DELETE FROM dead_letters WHERE account_id = $1 AND customer_id = $2")
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<Text, _>(customer)
        .execute(connection)
        .await?;
    Ok(erased as u64)
}
