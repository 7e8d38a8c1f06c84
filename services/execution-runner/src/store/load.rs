//! What a batch needs to know before it is worked on; look-ups sent together.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::v1;
use flow_model::{AccountId, ConversationId, ExecutionId};
use prost::Message;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

use super::code::{big, channel_name, count, int, number, time};
use super::commit::handled_as;
use super::conversations;
use crate::partition::port::{
    CatalogEntry, HandledMessage, Loaded, Mail, OutboxKey, OutboxRow, Running, Wanted,
};

const MESSAGES: &str = "SELECT key, accepted_at, execution_id, workflow_id FROM message_keys
WHERE key = ANY($1) AND accepted_at >= $2";

const CUSTOMERS: &str = "SELECT account_id, customer_id FROM customers
WHERE (account_id, customer_id) IN (SELECT * FROM UNNEST($1::uuid[], $2::text[]))";

const RUNNING: &str = "SELECT id, account_id, workflow_id, revision, conversation_id, customer_id, channel, 1::smallint, started_at,
    started_at, record, partition, answer_to, events_told, replies_told FROM running_executions WHERE conversation_id = ANY($1)";

/// With each input whether the same one was handled before: while it waited, the same message may have come again.
const MAIL: &str = "SELECT mailboxes.conversation_id, position, mailboxes.partition, mailboxes.key, input, keys.accepted_at, keys.execution_id,
    keys.workflow_id
FROM mailboxes LEFT JOIN message_keys AS keys ON keys.key = mailboxes.key AND keys.accepted_at >= now() - make_interval(secs => $2)
WHERE conversation_id = ANY($1) ORDER BY conversation_id, position";

const EXECUTIONS: &str =
    "SELECT id, account_id, workflow_id, revision, conversation_id, customer_id, channel, status, started_at,
    completed_at, record FROM executions WHERE id = ANY($1) AND started_at BETWEEN $2 AND $3";

const UNTOLD: &str = "SELECT stored.partition, stored.commit_no, payload FROM UNNEST($1::int[], $2::bigint[]) AS told (partition, commit_no)
JOIN partitions AS owned ON owned.id = told.partition
JOIN outbox AS stored ON stored.partition = told.partition AND stored.commit_no > LEAST(told.commit_no, owned.told_no)
WHERE (stored.partition, stored.commit_no) > ($3::int, $4::bigint)
ORDER BY stored.partition, stored.commit_no LIMIT $5";

/// Of each workflow every marker that an input after the lowest cursor can meet: those after it, and the one that counts there.
const CATALOG: &str =
    "SELECT CASE WHEN incarnation = $2 THEN seq ELSE 0 END, payload FROM catalog_markers WHERE grp = $1";

fn conversations_by_id() -> String {
    format!("SELECT {} FROM conversations WHERE id = ANY($1)", conversations::COLUMNS)
}

/// The look-ups, prepared on one connection.
pub(super) struct Statements {
    conversations: Statement,
    messages: Statement,
    customers: Statement,
    running: Statement,
    mail: Statement,
    executions: Statement,
    untold: Statement,
    catalog: Statement,
}

impl Statements {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            conversations: client.prepare(&conversations_by_id()).await?,
            messages: client.prepare(MESSAGES).await?,
            customers: client.prepare(CUSTOMERS).await?,
            running: client.prepare(RUNNING).await?,
            mail: client.prepare(MAIL).await?,
            executions: client.prepare(EXECUTIONS).await?,
            untold: client.prepare(UNTOLD).await?,
            catalog: client.prepare(CATALOG).await?,
        })
    }
}

pub(super) async fn load(
    client: &Client,
    statements: &Statements,
    wanted: &Wanted,
    deduplication_ms: i64,
) -> Result<Loaded, Error> {
    let ids: Vec<Uuid> = wanted.conversations.iter().map(|id| *id.as_uuid()).collect();
    let keys: Vec<Uuid> = wanted.messages.iter().map(|(key, _)| *key).collect();
    let oldest = wanted.messages.iter().map(|(_, accepted_at_ms)| *accepted_at_ms).min().unwrap_or_default();
    let since = time(oldest - deduplication_ms);
    let accounts: Vec<Uuid> = wanted.customers.iter().map(|(account, _)| *account.as_uuid()).collect();
    let customers: Vec<&str> = wanted.customers.iter().map(|(_, customer)| customer.as_str()).collect();
    let by_id: [&(dyn ToSql + Sync); 1] = [&ids];
    let by_key: [&(dyn ToSql + Sync); 2] = [&keys, &since];
    let by_customer: [&(dyn ToSql + Sync); 2] = [&accounts, &customers];
    let (found, messages, customers, (running, mail)) = futures::try_join!(
        client.query(&statements.conversations, &by_id),
        client.query(&statements.messages, &by_key),
        client.query(&statements.customers, &by_customer),
        waiting(client, statements, &wanted.running, deduplication_ms),
    )?;
    let accepted_at: HashMap<Uuid, i64> = wanted.messages.iter().copied().collect();
    let come_again: Vec<HandledMessage> = mail
        .iter()
        .filter(|row| row.get::<_, Option<DateTime<Utc>>>(5).is_some())
        .map(handled_mail)
        .collect();
    let mut mailboxes: HashMap<ConversationId, VecDeque<Mail>> = HashMap::new();
    for mail in mail.iter().map(self::mail) {
        mailboxes.entry(mail.conversation).or_default().push_back(mail);
    }
    Ok(Loaded {
        running: running.iter().map(|row| (ConversationId::new(row.get(4)), self::running(row))).collect(),
        mail: mailboxes,
        conversations: found.iter().map(conversations::read).map(|found| (found.id, found)).collect(),
        messages: messages
            .iter()
            .map(handled)
            .filter(|found| {
                let now = accepted_at.get(&found.key).copied().unwrap_or_default();
                found.accepted_at_ms > now - deduplication_ms
            })
            .chain(come_again)
            .map(|found| (found.key, found))
            .collect(),
        customers: customers.iter().map(customer).collect::<HashSet<_>>(),
    })
}

/// Running executions of these conversations, and their mailboxes.
async fn waiting(
    client: &Client,
    statements: &Statements,
    wanted: &[ConversationId],
    deduplication_ms: i64,
) -> Result<(Vec<Row>, Vec<Row>), Error> {
    if wanted.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let ids: Vec<Uuid> = wanted.iter().map(|id| *id.as_uuid()).collect();
    let seconds = Duration::from_millis(deduplication_ms.unsigned_abs()).as_secs_f64();
    let by_conversation: [&(dyn ToSql + Sync); 1] = [&ids];
    let within: [&(dyn ToSql + Sync); 2] = [&ids, &seconds];
    futures::try_join!(
        client.query(&statements.running, &by_conversation),
        client.query(&statements.mail, &within),
    )
}

fn running(row: &Row) -> Running {
    let mut execution = execution(row);
    execution.status = v1::ExecutionStatus::Running.into();
    execution.completed_at_ms = None;
    Running {
        partition: number(row.get(11)),
        execution,
        answer_to: row.get(12),
        events_told: number(row.get(13)),
        replies_told: number(row.get(14)),
    }
}

fn mail(row: &Row) -> Mail {
    Mail {
        conversation: ConversationId::new(row.get(0)),
        position: count(row.get(1)),
        partition: number(row.get(2)),
        key: row.get::<_, Option<Uuid>>(3).unwrap_or_default(),
        input: row.get(4),
    }
}

fn handled_mail(row: &Row) -> HandledMessage {
    HandledMessage {
        key: row.get::<_, Option<Uuid>>(3).unwrap_or_default(),
        accepted_at_ms: ms(row, 5),
        handled: handled_as(row.get(6), row.get(7)),
    }
}

fn ms(row: &Row, column: usize) -> i64 {
    row.get::<_, DateTime<Utc>>(column).timestamp_millis()
}

fn handled(row: &Row) -> HandledMessage {
    HandledMessage {
        key: row.get(0),
        accepted_at_ms: ms(row, 1),
        handled: handled_as(row.get(2), row.get(3)),
    }
}

fn customer(row: &Row) -> (AccountId, String) {
    (AccountId::new(row.get(0)), row.get(1))
}

pub(super) async fn executions(
    client: &Client,
    statements: &Statements,
    ids: &[ExecutionId],
) -> Result<Vec<v1::Execution>, Error> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    // An id holds its start, so only the slices of these times are looked at.
    let from = ids.iter().map(ExecutionId::accepted_at_ms).min().unwrap_or_default();
    let to = ids.iter().map(ExecutionId::accepted_at_ms).max().unwrap_or_default();
    let rows = client.query(&statements.executions, &[&uuids, &time(from), &time(to)]).await?;
    Ok(rows.iter().map(execution).collect())
}

fn execution(row: &Row) -> v1::Execution {
    let bytes = |column: usize| row.get::<_, Uuid>(column).as_bytes().to_vec().into();
    let record: &[u8] = row.get(10);
    v1::Execution {
        id: bytes(0),
        account_id: bytes(1),
        workflow_id: bytes(2),
        revision: number(row.get(3)),
        conversation_id: bytes(4),
        customer_id: row.get(5),
        channel: channel_name(row.get(6)).to_owned(),
        status: i32::from(row.get::<_, i16>(7)),
        started_at_ms: ms(row, 8),
        completed_at_ms: Some(ms(row, 9)),
        replies_in_all: None,
        ai: None,
        record: v1::ExecutionRecord::decode(record)
            .inspect_err(|error| tracing::error!(%error, "a stored execution cannot be read"))
            .ok(),
    }
}

pub(super) async fn untold(
    client: &Client,
    statements: &Statements,
    told: &[OutboxKey],
    after: OutboxKey,
    rows_max: u32,
) -> Result<Vec<OutboxRow>, Error> {
    let partitions: Vec<i32> = told.iter().map(|key| int(key.partition)).collect();
    let commit_nos: Vec<i64> = told.iter().map(|key| big(key.commit_no)).collect();
    let rows = client
        .query(
            &statements.untold,
            &[&partitions, &commit_nos, &int(after.partition), &big(after.commit_no), &i64::from(rows_max)],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| OutboxRow {
            key: OutboxKey { partition: number(row.get(0)), commit_no: count(row.get(1)) },
            outbox: v1::Outbox::decode(row.get::<_, &[u8]>(2))
                .inspect_err(|error| tracing::error!(%error, "an outbox row cannot be read"))
                .unwrap_or_default(),
        })
        .collect())
}

pub(super) async fn catalog(
    client: &Client,
    statements: &Statements,
    group: u32,
    incarnation: i64,
) -> Result<Vec<CatalogEntry>, Error> {
    let rows = client.query(&statements.catalog, &[&int(group), &incarnation]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let marker = v1::CatalogMarker::decode(row.get::<_, &[u8]>(1))
                .inspect_err(|error| tracing::error!(%error, "a stored marker cannot be read"))
                .ok()?;
            Some(CatalogEntry { seq: count(row.get(0)), marker })
        })
        .collect())
}

/// Message keys older than this many milliseconds do not count any more.
pub(crate) fn deduplication_ms(days: u32) -> i64 {
    i64::from(days) * 24 * 60 * 60 * 1000
}
