//! One batch, one transaction, one round trip, and nearly always one statement (`changes`).
//!
//! It moves the cursors before anything else and divides by zero when a partition is not where the runner thinks; that aborts it
//! and with it everything.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::v1;
use flow_model::{ExecutionId, WorkflowId};
use prost::Message;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use super::changes::{Changes, Columns, Prepared, column};
use super::code::{big, channel, int, time};
use super::{conversations, waits};
use crate::partition::port::{Commit, DeadLetter, HandledAs, StoreError};

const FENCE: &str = "UPDATE partitions AS stored SET applied_seq = wanted.applied_seq, applied_inputs = wanted.applied_inputs,
        commit_no = wanted.commit_no, told_no = GREATEST(stored.told_no, wanted.told_no), tries = 0
    FROM UNNEST($1::int[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::int[], $8::bigint[], $10::bigint[])
        AS wanted (id, epoch, from_seq, from_inputs, from_commit_no, applied_seq, applied_inputs, commit_no, told_no)
    WHERE stored.id = wanted.id AND stored.epoch = wanted.epoch AND stored.applied_seq = wanted.from_seq
        AND stored.applied_inputs = wanted.from_inputs AND stored.commit_no = wanted.from_commit_no AND stored.incarnation = $9
    RETURNING 1";

const CUSTOMERS: &str = "INSERT INTO customers (account_id, customer_id, created_at)
SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[]) ON CONFLICT DO NOTHING";

const MESSAGES: &str = "INSERT INTO message_keys (key, accepted_at, execution_id, workflow_id)
SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[])";

const EXECUTIONS: &str = "INSERT INTO executions (id, account_id, workflow_id, revision, conversation_id, customer_id, channel, status,
    started_at, completed_at, partition, record)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::smallint[], $8::smallint[],
    $9::timestamptz[], $10::timestamptz[], $11::int[], $12::bytea[])";

const COUNTERS: &str = "INSERT INTO counters AS stored (workflow_id, hours, hour, channel, status, partition, executions)
SELECT * FROM UNNEST($1::uuid[], $2::smallint[], $3::timestamptz[], $4::smallint[], $5::smallint[], $6::int[], $7::bigint[])
ON CONFLICT (workflow_id, hours, hour, channel, status, partition) DO UPDATE SET executions = stored.executions + EXCLUDED.executions";

const OUTBOX: &str = "INSERT INTO outbox (partition, commit_no, payload) SELECT * FROM UNNEST($1::int[], $2::bigint[], $3::bytea[])";

const MARKERS: &str = "INSERT INTO catalog_markers (grp, workflow_id, state_no, incarnation, seq, payload)
SELECT $1::int, * FROM UNNEST($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[]) ON CONFLICT DO NOTHING";

const DEAD_LETTERS: &str = "INSERT INTO dead_letters (incarnation, grp, seq, position, id, kind, payload, error, attempts, account_id,
    partition, channel, customer_id, message_id, message_key, execution_id)
SELECT $1::bigint, $2::int, * FROM UNNEST($3::bigint[], $4::int[], $5::uuid[], $6::smallint[], $7::bytea[], $8::text[], $9::int[],
    $10::uuid[], $11::int[], $12::text[], $13::text[], $14::text[], $15::uuid[], $16::uuid[]) ON CONFLICT DO NOTHING";

/// What the database's answer means: it may have fenced the commit, or not be able to hold it, whatever is tried.
pub(super) fn refusal(error: &Error) -> Option<StoreError> {
    let code = error.code()?;
    if *code == SqlState::DIVISION_BY_ZERO {
        return Some(StoreError::Fenced);
    }
    let of_the_data = DATA_FAULTS.iter().any(|class| code.code().starts_with(class));
    of_the_data.then(|| {
        let said = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        StoreError::Refused(format!("the database says {}: {said}", code.code()))
    })
}

/// Classes of errors that the written data are to blame for: data exceptions, broken constraints, exceeded limits.
const DATA_FAULTS: [&str; 3] = ["22", "23", "54"];

/// Writes all of it.
pub(super) async fn write(
    client: &Client,
    prepared: &mut Prepared,
    group: u32,
    commit: &Commit,
) -> Result<(), Error> {
    let mut changes = Changes::default();
    if !commit.moves.is_empty() {
        changes.fence(FENCE, fence(commit));
    }
    conversations::write(commit, &mut changes);
    if !commit.customers.is_empty() {
        changes.add("customers", CUSTOMERS, customers(commit));
    }
    if !commit.messages.is_empty() {
        changes.add("messages", MESSAGES, messages(commit));
    }
    if !commit.executions.is_empty() {
        changes.add("executions", EXECUTIONS, executions(commit));
        changes.add("counters", COUNTERS, counters(commit));
    }
    if !commit.outbox.is_empty() {
        changes.add("outbox", OUTBOX, outbox(commit));
    }
    if !commit.markers.is_empty() {
        changes.add("markers", MARKERS, markers(group, commit));
    }
    if !commit.dead_letters.is_empty() {
        changes.add("dead_letters", DEAD_LETTERS, dead_letters(group, commit));
    }
    waits::write(commit, &mut changes);
    changes.make(client, prepared).await
}

fn fence(commit: &Commit) -> Columns {
    let moves = &commit.moves;
    vec![
        column(moves, |moved| int(moved.from.partition)),
        column(moves, |moved| big(moved.from.epoch)),
        column(moves, |moved| big(moved.from.applied_seq)),
        column(moves, |moved| int(moved.from.applied_inputs)),
        column(moves, |moved| big(moved.from.commit_no)),
        column(moves, |moved| big(moved.applied_seq)),
        column(moves, |moved| int(moved.applied_inputs)),
        column(moves, |moved| big(moved.commit_no)),
        Box::new(commit.incarnation),
        column(moves, |moved| big(moved.from.told_no)),
    ]
}

fn customers(commit: &Commit) -> Columns {
    let all = &commit.customers;
    vec![
        column(all, |(account, _, _)| *account.as_uuid()),
        column(all, |(_, customer_id, _)| customer_id.clone()),
        column(all, |(_, _, created_at_ms)| time(*created_at_ms)),
    ]
}

fn messages(commit: &Commit) -> Columns {
    let all = &commit.messages;
    vec![
        column(all, |message| message.key),
        column(all, |message| time(message.accepted_at_ms)),
        column(all, |message| match message.handled {
            HandledAs::Execution(execution, _) | HandledAs::Done(execution) => Some(*execution.as_uuid()),
            HandledAs::Ignored => None,
        }),
        column(all, |message| match message.handled {
            HandledAs::Execution(_, workflow) => Some(*workflow.as_uuid()),
            HandledAs::Done(_) | HandledAs::Ignored => None,
        }),
    ]
}

/// A UUID of a bus message; all of a commit were checked when they came in.
pub(super) fn uuid(bytes: &[u8]) -> Uuid {
    Uuid::from_slice(bytes).unwrap_or_default()
}

fn status(execution: &v1::Execution) -> i16 {
    i16::try_from(execution.status).unwrap_or(0)
}

fn executions(commit: &Commit) -> Columns {
    let all = &commit.executions;
    vec![
        column(all, |(_, execution)| uuid(&execution.id)),
        column(all, |(_, execution)| uuid(&execution.account_id)),
        column(all, |(_, execution)| uuid(&execution.workflow_id)),
        column(all, |(_, execution)| int(execution.revision)),
        column(all, |(_, execution)| uuid(&execution.conversation_id)),
        column(all, |(_, execution)| execution.customer_id.clone()),
        column(all, |(_, execution)| channel(&execution.channel)),
        column(all, |(_, execution)| status(execution)),
        column(all, |(_, execution)| time(execution.started_at_ms)),
        column(all, |(_, execution)| time(execution.completed_at_ms.unwrap_or(execution.started_at_ms))),
        column(all, |(partition, _)| int(*partition)),
        column(all, |(_, execution)| {
            execution.record.as_ref().map(Message::encode_to_vec).unwrap_or_default()
        }),
    ]
}

/// Sums by the counters' key, in the order of the key, so that two commits never wait for each other crosswise: of each hour,
/// and of each slice of executions.
fn counters(commit: &Commit) -> Columns {
    let mut sums: BTreeMap<(Uuid, i16, DateTime<Utc>, i16, i16), i64> = BTreeMap::new();
    for (_, execution) in &commit.executions {
        for hours in COUNTED_HOURS {
            let width_ms = i64::from(hours) * HOUR_MS;
            let begin = time(execution.started_at_ms.div_euclid(width_ms) * width_ms);
            let (channel, status) = (channel(&execution.channel), status(execution));
            *sums.entry((uuid(&execution.workflow_id), hours, begin, channel, status)).or_default() += 1;
        }
    }
    let sums: Vec<_> = sums.into_iter().collect();
    vec![
        column(&sums, |(key, _)| key.0),
        column(&sums, |(key, _)| key.1),
        column(&sums, |(key, _)| key.2),
        column(&sums, |(key, _)| key.3),
        column(&sums, |(key, _)| key.4),
        column(&sums, |_| int(commit.counts_under)),
        column(&sums, |(_, sum)| *sum),
    ]
}

/// An hour in milliseconds.
pub(super) const HOUR_MS: i64 = 60 * 60 * 1000;
/// Counters are kept by so many hours: by one, and by those of a slice of executions.
pub(super) const COUNTED_HOURS: [i16; 2] = [1, SLICE_HOURS];
/// Hours of a slice of executions.
pub(super) const SLICE_HOURS: i16 = 720;

fn outbox(commit: &Commit) -> Columns {
    let all = &commit.outbox;
    vec![
        column(all, |row| int(row.key.partition)),
        column(all, |row| big(row.key.commit_no)),
        column(all, |row| row.outbox.encode_to_vec()),
    ]
}

fn markers(group: u32, commit: &Commit) -> Columns {
    let all = &commit.markers;
    vec![
        Box::new(int(group)),
        column(all, |entry| uuid(&entry.marker.workflow_id)),
        column(all, |entry| big(entry.marker.state_no)),
        column(all, |_| commit.incarnation),
        column(all, |entry| big(entry.seq)),
        column(all, |entry| entry.marker.encode_to_vec()),
    ]
}

fn dead_letters(group: u32, commit: &Commit) -> Columns {
    let all = &commit.dead_letters;
    let known = |letter: &DeadLetter| letter.input.clone();
    vec![
        Box::new(commit.incarnation),
        Box::new(int(group)),
        column(all, |letter| big(letter.seq)),
        column(all, |letter| int(letter.position)),
        column(all, |_| platform::clock::new_uuid_v7()),
        column(all, |letter| i16::try_from(i32::from(letter.kind)).unwrap_or(0)),
        column(all, |letter| letter.payload.clone()),
        column(all, |letter| letter.error.replace('\0', " ")),
        column(all, |letter| int(letter.attempts)),
        column(all, |letter| known(letter).map(|input| *input.account.as_uuid())),
        column(all, |letter| known(letter).map(|input| int(input.partition))),
        column(all, |letter| known(letter).map(|input| input.channel)),
        column(all, |letter| known(letter).map(|input| input.customer_id.replace('\0', " "))),
        column(all, |letter| known(letter).map(|input| input.message_id.replace('\0', " "))),
        column(all, |letter| known(letter).and_then(|input| input.key)),
        column(all, |letter| known(letter).map(|input| *input.execution.as_uuid())),
    ]
}

/// What the ids of an execution and its workflow in a message's row say.
pub(super) fn handled_as(execution: Option<Uuid>, workflow: Option<Uuid>) -> HandledAs {
    match (execution, workflow) {
        (Some(execution), Some(workflow)) => {
            HandledAs::Execution(ExecutionId::new(execution), WorkflowId::new(workflow))
        }
        (Some(execution), None) => HandledAs::Done(ExecutionId::new(execution)),
        (None, _) => HandledAs::Ignored,
    }
}
