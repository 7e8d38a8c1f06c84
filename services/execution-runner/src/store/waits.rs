//! The part of a commit that is about waiting: timers, activities, running executions, mailboxes. Most commits have none.
//!
//! What is over and what is new are never the same rows, but for timers: activities have ids of their own, an execution runs or is
//! over, mail that is taken is older than mail that is kept.

use contracts::v1;
use prost::Message;

use super::changes::{Changes, Columns, column};
use super::code::{big, channel, int, time};
use super::commit::uuid;
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

/// Adds what changes.
pub(super) fn write(commit: &Commit, changes: &mut Changes) {
    if !commit.timers_over.is_empty() {
        let over = &commit.timers_over;
        let columns = vec![column(over, |(id, _)| *id.as_uuid()), column(over, |(_, wait_no)| big(*wait_no))];
        // A wait may get another time.
        changes.add_first("timers_over", TIMERS_OVER, columns);
    }
    if !commit.timers.is_empty() {
        let timers = &commit.timers;
        let columns = vec![
            column(timers, |timer| *timer.conversation.as_uuid()),
            column(timers, |timer| big(timer.wait_no)),
            column(timers, |timer| int(timer.partition)),
            column(timers, |timer| time(timer.due_at_ms)),
        ];
        changes.add("timers", TIMERS, columns);
    }
    if !commit.activities_over.is_empty() {
        let columns = vec![column(&commit.activities_over, |id| *id)];
        changes.add("activities_over", ACTIVITIES_OVER, columns);
    }
    if !commit.activities.is_empty() {
        changes.add("activities", ACTIVITIES, activities(&commit.activities));
    }
    if !commit.running_over.is_empty() {
        let columns = vec![column(&commit.running_over, |id| *id.as_uuid())];
        changes.add("running_over", RUNNING_OVER, columns);
    }
    if !commit.running.is_empty() {
        changes.add("running", RUNNING, running(&commit.running));
    }
    if !commit.mail_taken.is_empty() {
        let taken = &commit.mail_taken;
        let columns = vec![column(taken, |(id, _)| *id.as_uuid()), column(taken, |(_, before)| big(*before))];
        changes.add("mail_taken", MAIL_TAKEN, columns);
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
        changes.add("mail", MAIL, columns);
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
