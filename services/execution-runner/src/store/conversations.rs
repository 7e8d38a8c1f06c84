//! The rows of conversations, what is kept beside executions, and how many conversations there are.

use chrono::{DateTime, Utc};
use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use prost::Message;
use tokio_postgres::Row;
use uuid::Uuid;

use super::changes::{Changes, Columns, column};
use super::code::{big, channel, channel_name, count, int, number, time, waits_on, waits_on_code};
use super::commit::uuid;
use crate::partition::port::{Commit, Conversation, Person, Wait};

/// The columns of a conversation, as [`read`] takes them.
pub(super) const COLUMNS: &str = "id, partition, account_id, channel, customer_id, seq, wait_no, updated_at, wait_workflow_id,
    wait_revision, wait_started_state_no, wait_node_id, wait_state, wait_until, wait_on, wait_since, wait_timer_at, mail_from, mail_to,
    wait_failed_execution_id, owner_epoch, person_team, person_agent, person_note, person_since, person_until, person_return_after_ms";

const CONVERSATIONS: &str = "INSERT INTO conversations (id, partition, account_id, channel, customer_id, seq, wait_no, updated_at,
    wait_workflow_id, wait_revision, wait_started_state_no, wait_node_id, wait_state, wait_until, wait_on, wait_since, wait_timer_at,
    mail_from, mail_to, wait_failed_execution_id, owner_epoch, person_team, person_agent, person_note, person_since, person_until,
    person_return_after_ms, created_at)
SELECT *, updated_at FROM UNNEST($1::uuid[], $2::int[], $3::uuid[], $4::smallint[], $5::text[], $6::bigint[], $7::bigint[],
    $8::timestamptz[], $9::uuid[], $10::int[], $11::bigint[], $12::text[], $13::bytea[], $14::timestamptz[], $15::smallint[],
    $16::timestamptz[], $17::timestamptz[], $18::bigint[], $19::bigint[], $20::uuid[], $21::bigint[], $22::text[], $23::text[],
    $24::text[], $25::timestamptz[], $26::timestamptz[], $27::bigint[])
    AS new (id, partition, account_id, channel, customer_id, seq, wait_no, updated_at, wait_workflow_id,
    wait_revision, wait_started_state_no, wait_node_id, wait_state, wait_until, wait_on, wait_since, wait_timer_at, mail_from, mail_to,
    wait_failed_execution_id, owner_epoch, person_team, person_agent, person_note, person_since, person_until, person_return_after_ms)
ON CONFLICT (id) DO UPDATE SET customer_id = EXCLUDED.customer_id, seq = EXCLUDED.seq, wait_no = EXCLUDED.wait_no,
    updated_at = EXCLUDED.updated_at, wait_workflow_id = EXCLUDED.wait_workflow_id, wait_revision = EXCLUDED.wait_revision,
    wait_started_state_no = EXCLUDED.wait_started_state_no, wait_node_id = EXCLUDED.wait_node_id,
    wait_state = EXCLUDED.wait_state, wait_until = EXCLUDED.wait_until, wait_on = EXCLUDED.wait_on, wait_since = EXCLUDED.wait_since,
    wait_timer_at = EXCLUDED.wait_timer_at, mail_from = EXCLUDED.mail_from, mail_to = EXCLUDED.mail_to,
    wait_failed_execution_id = EXCLUDED.wait_failed_execution_id, owner_epoch = EXCLUDED.owner_epoch,
    person_team = EXCLUDED.person_team, person_agent = EXCLUDED.person_agent, person_note = EXCLUDED.person_note,
    person_since = EXCLUDED.person_since, person_until = EXCLUDED.person_until,
    person_return_after_ms = EXCLUDED.person_return_after_ms";

const GAINED: &str = "INSERT INTO conversation_counts AS stored (account_id, channel, partition, conversations)
SELECT * FROM UNNEST($1::uuid[], $2::smallint[], $3::int[], $4::bigint[])
ON CONFLICT (account_id, channel, partition) DO UPDATE SET conversations = stored.conversations + EXCLUDED.conversations";

const NOTES: &str = "INSERT INTO conversation_notes (conversation_id, at, conversation_seq, partition, entry)
SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::bigint[], $4::int[], $5::bytea[])";

const FORGOTTEN: &str =
    "DELETE FROM customers USING UNNEST($1::uuid[], $2::text[]) AS gone (account_id, customer_id)
WHERE customers.account_id = gone.account_id AND customers.customer_id = gone.customer_id";

/// Adds what changes.
pub(super) fn write(commit: &Commit, changes: &mut Changes) {
    if !commit.conversations.is_empty() {
        changes.add("conversations", CONVERSATIONS, conversations(&commit.conversations));
    }
    if !commit.conversations_gained.is_empty() {
        let all = &commit.conversations_gained;
        let columns = vec![
            column(all, |(account, ..)| *account.as_uuid()),
            column(all, |(_, name, _)| channel(name)),
            column(all, |_| int(commit.counts_under)),
            column(all, |(.., gained)| *gained),
        ];
        changes.add("gained", GAINED, columns);
    }
    if !commit.notes.is_empty() {
        changes.add("notes", NOTES, notes(&commit.notes));
    }
    if !commit.customers_forgotten.is_empty() {
        let all = &commit.customers_forgotten;
        let columns = vec![
            column(all, |(account, _)| *account.as_uuid()),
            column(all, |(_, customer)| customer.clone()),
        ];
        // One who comes back in the same batch is a new customer.
        changes.add_first("forgotten", FORGOTTEN, columns);
    }
}

/// When a note was made, Unix milliseconds.
pub(super) fn noted_at_ms(entry: &Entry) -> i64 {
    match entry {
        Entry::Ignored(ignored) => ignored.accepted_at_ms,
        Entry::Note(note) => note.at_ms,
        Entry::Execution(_) | Entry::Part(_) => 0,
    }
}

fn notes(all: &[(u32, Entry)]) -> Columns {
    let place = |entry: &Entry| match entry {
        Entry::Ignored(ignored) => (uuid(&ignored.conversation_id), ignored.first_conversation_seq),
        Entry::Note(note) => (uuid(&note.conversation_id), note.conversation_seq),
        Entry::Execution(_) | Entry::Part(_) => (Uuid::default(), 0),
    };
    vec![
        column(all, |(_, entry)| place(entry).0),
        column(all, |(_, entry)| time(noted_at_ms(entry))),
        column(all, |(_, entry)| big(place(entry).1)),
        column(all, |(partition, _)| int(*partition)),
        column(all, |(_, entry)| v1::OutboxEntry { entry: Some(entry.clone()) }.encode_to_vec()),
    ]
}

fn conversations(all: &[Conversation]) -> Columns {
    let wait = |conversation: &Conversation| conversation.wait.clone();
    let person = |conversation: &Conversation| conversation.person.clone();
    vec![
        column(all, |conversation| *conversation.id.as_uuid()),
        column(all, |conversation| int(conversation.partition)),
        column(all, |conversation| *conversation.account.as_uuid()),
        column(all, |conversation| channel(&conversation.channel)),
        column(all, |conversation| conversation.customer_id.clone()),
        column(all, |conversation| big(conversation.seq)),
        column(all, |conversation| big(conversation.wait_no)),
        column(all, |conversation| time(conversation.updated_at_ms)),
        column(all, |conversation| conversation.wait.as_ref().map(|wait| *wait.workflow.as_uuid())),
        column(all, |conversation| conversation.wait.as_ref().map(|wait| int(wait.revision))),
        column(all, |conversation| conversation.wait.as_ref().map(|wait| big(wait.started_state_no))),
        column(all, |conversation| wait(conversation).map(|wait| wait.node_id)),
        column(all, |conversation| wait(conversation).map(|wait| wait.state)),
        column(all, |conversation| conversation.wait.as_ref().map(|wait| time(wait.until_ms))),
        column(all, |conversation| conversation.wait.as_ref().map_or(0, |wait| waits_on_code(wait.on))),
        column(all, |conversation| conversation.wait.as_ref().map(|wait| time(wait.since_ms))),
        column(all, |conversation| conversation.wait.as_ref().and_then(|wait| wait.timer_at_ms).map(time)),
        column(all, |conversation| big(conversation.mail_from)),
        column(all, |conversation| big(conversation.mail_to)),
        column(all, |conversation| {
            conversation.wait.as_ref().and_then(|wait| wait.failed).map(|failed| *failed.as_uuid())
        }),
        column(all, |conversation| big(conversation.owner_epoch)),
        column(all, |conversation| person(conversation).map(|person| person.team)),
        column(all, |conversation| person(conversation).map(|person| person.agent)),
        column(all, |conversation| person(conversation).map(|person| person.note)),
        column(all, |conversation| conversation.person.as_ref().map(|person| time(person.since_ms))),
        column(all, |conversation| conversation.person.as_ref().map(|person| time(person.until_ms))),
        column(all, |conversation| conversation.person.as_ref().map(|person| person.return_after_ms)),
    ]
}

fn ms(row: &Row, column: usize) -> i64 {
    row.get::<_, DateTime<Utc>>(column).timestamp_millis()
}

fn optional_ms(row: &Row, column: usize) -> Option<i64> {
    Some(row.get::<_, Option<DateTime<Utc>>>(column)?.timestamp_millis())
}

fn text(row: &Row, column: usize) -> String {
    row.get::<_, Option<String>>(column).unwrap_or_default()
}

/// A conversation from a row of [`COLUMNS`].
pub(super) fn read(row: &Row) -> Conversation {
    let workflow: Option<Uuid> = row.get(8);
    let wait = workflow.map(|workflow| Wait {
        workflow: WorkflowId::new(workflow),
        revision: number(row.get::<_, Option<i32>>(9).unwrap_or_default()),
        started_state_no: count(row.get::<_, Option<i64>>(10).unwrap_or_default()),
        node_id: text(row, 11),
        state: row.get::<_, Option<Vec<u8>>>(12).unwrap_or_default(),
        until_ms: optional_ms(row, 13).unwrap_or_default(),
        on: waits_on(row.get(14)),
        since_ms: optional_ms(row, 15).unwrap_or_default(),
        timer_at_ms: optional_ms(row, 16),
        failed: row.get::<_, Option<Uuid>>(19).map(ExecutionId::new),
    });
    let person = optional_ms(row, 24).map(|since_ms| Person {
        team: text(row, 21),
        agent: text(row, 22),
        note: text(row, 23),
        since_ms,
        until_ms: optional_ms(row, 25).unwrap_or_default(),
        return_after_ms: row.get::<_, Option<i64>>(26).unwrap_or_default(),
    });
    Conversation {
        id: ConversationId::new(row.get(0)),
        partition: number(row.get(1)),
        account: AccountId::new(row.get(2)),
        channel: channel_name(row.get(3)).to_owned(),
        customer_id: row.get(4),
        seq: count(row.get(5)),
        wait,
        wait_no: count(row.get(6)),
        mail_from: count(row.get(17)),
        mail_to: count(row.get(18)),
        updated_at_ms: ms(row, 7),
        person,
        owner_epoch: count(row.get(20)),
    }
}
