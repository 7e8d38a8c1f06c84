//! The part of a commit that is about waiting: timers, activities, running executions, mailboxes. Most commits have none.
//!
//! What is over is removed before what is new is added, so that a conversation that waits again replaces its rows.

use contracts::v1;
use prost::Message;
use tokio_postgres::{Client, Error, Statement};

use super::code::{big, channel, int, time};
use super::commit::{Columns, column, uuid};
use crate::partition::port::{Commit, ISSUE_AGAIN_MS, Running};

const TIMERS_OVER: &str =
    "DELETE FROM timers USING UNNEST($1::uuid[], $2::bigint[]) AS over (conversation_id, wait_no)
WHERE timers.conversation_id = over.conversation_id AND timers.wait_no = over.wait_no";

const TIMERS: &str = "INSERT INTO timers (conversation_id, wait_no, partition, due_at)
SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[])";

const ACTIVITIES_OVER: &str = "DELETE FROM activities WHERE id = ANY($1)";

const ACTIVITIES: &str = "INSERT INTO activities (id, conversation_id, wait_no, partition, kind, request, issue_at)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::text[], $6::bytea[], $7::timestamptz[])";

const RUNNING_OVER: &str = "DELETE FROM running_executions WHERE conversation_id = ANY($1)";

const RUNNING: &str = "INSERT INTO running_executions (id, account_id, workflow_id, revision, conversation_id, customer_id, channel,
    started_at, partition, record, answer_to, events_told, replies_told)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::smallint[], $8::timestamptz[],
    $9::int[], $10::bytea[], $11::text[], $12::int[], $13::int[])
ON CONFLICT (conversation_id) DO UPDATE SET id = EXCLUDED.id, workflow_id = EXCLUDED.workflow_id, revision = EXCLUDED.revision,
    started_at = EXCLUDED.started_at, record = EXCLUDED.record, answer_to = EXCLUDED.answer_to, events_told = EXCLUDED.events_told,
    replies_told = EXCLUDED.replies_told";

const MAIL_TAKEN: &str =
    "DELETE FROM mailboxes USING UNNEST($1::uuid[], $2::bigint[]) AS taken (conversation_id, before)
WHERE mailboxes.conversation_id = taken.conversation_id AND mailboxes.position < taken.before";

const MAIL: &str = "INSERT INTO mailboxes (conversation_id, position, partition, key, input)
SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::int[], $4::uuid[], $5::bytea[])";

/// The statements, prepared on one connection.
pub(super) struct Statements {
    timers_over: Statement,
    timers: Statement,
    activities_over: Statement,
    activities: Statement,
    running_over: Statement,
    running: Statement,
    mail_taken: Statement,
    mail: Statement,
}

impl Statements {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            timers_over: client.prepare(TIMERS_OVER).await?,
            timers: client.prepare(TIMERS).await?,
            activities_over: client.prepare(ACTIVITIES_OVER).await?,
            activities: client.prepare(ACTIVITIES).await?,
            running_over: client.prepare(RUNNING_OVER).await?,
            running: client.prepare(RUNNING).await?,
            mail_taken: client.prepare(MAIL_TAKEN).await?,
            mail: client.prepare(MAIL).await?,
        })
    }
}

/// Adds the statements that a commit needs.
pub(super) fn write<'a>(
    statements: &'a Statements,
    commit: &Commit,
    parts: &mut Vec<(&'a Statement, Columns)>,
) {
    if !commit.timers_over.is_empty() {
        let over = &commit.timers_over;
        let columns = vec![column(over, |(id, _)| *id.as_uuid()), column(over, |(_, wait_no)| big(*wait_no))];
        parts.push((&statements.timers_over, columns));
    }
    if !commit.timers.is_empty() {
        let timers = &commit.timers;
        let columns = vec![
            column(timers, |timer| *timer.conversation.as_uuid()),
            column(timers, |timer| big(timer.wait_no)),
            column(timers, |timer| int(timer.partition)),
            column(timers, |timer| time(timer.due_at_ms)),
        ];
        parts.push((&statements.timers, columns));
    }
    if !commit.activities_over.is_empty() {
        parts.push((&statements.activities_over, vec![column(&commit.activities_over, |id| *id)]));
    }
    if !commit.activities.is_empty() {
        parts.push((&statements.activities, activities(&commit.activities)));
    }
    if !commit.running_over.is_empty() {
        parts.push((&statements.running_over, vec![column(&commit.running_over, |id| *id.as_uuid())]));
    }
    if !commit.running.is_empty() {
        parts.push((&statements.running, running(&commit.running)));
    }
    if !commit.mail_taken.is_empty() {
        let taken = &commit.mail_taken;
        let columns = vec![column(taken, |(id, _)| *id.as_uuid()), column(taken, |(_, before)| big(*before))];
        parts.push((&statements.mail_taken, columns));
    }
    if !commit.mail.is_empty() {
        let mail = &commit.mail;
        let columns = vec![
            column(mail, |mail| *mail.conversation.as_uuid()),
            column(mail, |mail| big(mail.position)),
            column(mail, |mail| int(mail.partition)),
            column(mail, |mail| mail.key),
            column(mail, |mail| mail.input.clone()),
        ];
        parts.push((&statements.mail, columns));
    }
}

fn activities(all: &[v1::Activity]) -> Columns {
    vec![
        column(all, |activity| uuid(&activity.id)),
        column(all, |activity| uuid(&activity.conversation_id)),
        column(all, |activity| big(activity.wait_no)),
        column(all, |activity| int(activity.partition)),
        column(all, |activity| activity.kind.clone()),
        column(all, Message::encode_to_vec),
        column(all, |activity| time(activity.planned_at_ms + ISSUE_AGAIN_MS)),
    ]
}

fn running(all: &[Running]) -> Columns {
    let record =
        |running: &Running| running.execution.record.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    vec![
        column(all, |running| uuid(&running.execution.id)),
        column(all, |running| uuid(&running.execution.account_id)),
        column(all, |running| uuid(&running.execution.workflow_id)),
        column(all, |running| int(running.execution.revision)),
        column(all, |running| uuid(&running.execution.conversation_id)),
        column(all, |running| running.execution.customer_id.clone()),
        column(all, |running| channel(&running.execution.channel)),
        column(all, |running| time(running.execution.started_at_ms)),
        column(all, |running| int(running.partition)),
        column(all, record),
        column(all, |running| running.answer_to.clone()),
        column(all, |running| int(running.events_told)),
        column(all, |running| int(running.replies_told)),
    ]
}
