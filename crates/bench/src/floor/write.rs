//! One batch, one pipelined transaction: the rows that the runner writes.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use contracts::v1;
use contracts::v1::input::Kind;
use contracts::v1::outbox_entry::Entry;
use flow_model::{AccountId, ConversationId};
use futures::future::join_all;
use prost::Message;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::pattern::Pattern;

/// What the runner wrote, and where it stood: removed, so that both begin with the same tables.
const CLEAR: &str = "TRUNCATE executions, conversations, customers, message_keys, counters, outbox;
UPDATE partitions SET owner = NULL, applied_seq = 0, applied_inputs = 0, commit_no = 0, told_no = 0";

const CURSORS: &str = "WITH moved AS (
    UPDATE partitions AS stored SET applied_seq = wanted.applied_seq, commit_no = stored.commit_no + 1, told_no = stored.commit_no
    FROM UNNEST($1::int[], $2::bigint[]) AS wanted (id, applied_seq)
    WHERE stored.id = wanted.id AND stored.applied_seq < wanted.applied_seq
    RETURNING 1)
SELECT 1 / (count(*) = cardinality($1::int[]))::int FROM moved";

const CONVERSATIONS: &str = "INSERT INTO conversations (id, partition, account_id, channel, customer_id, seq, wait_no, updated_at, created_at)
SELECT *, updated_at FROM UNNEST($1::uuid[], $2::int[], $3::uuid[], $4::smallint[], $5::text[], $6::bigint[], $7::bigint[], $8::timestamptz[])
    AS new (id, partition, account_id, channel, customer_id, seq, wait_no, updated_at)
ON CONFLICT (id) DO UPDATE SET seq = conversations.seq + EXCLUDED.seq, updated_at = EXCLUDED.updated_at";

const CUSTOMERS: &str = "INSERT INTO customers (account_id, customer_id, created_at)
SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[]) ON CONFLICT DO NOTHING";

const KEYS: &str = "INSERT INTO message_keys (key, accepted_at, execution_id, workflow_id)
SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[])";

const EXECUTIONS: &str = "INSERT INTO executions (id, account_id, workflow_id, revision, conversation_id, customer_id, channel, status,
    started_at, completed_at, partition, record)
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::smallint[], $8::smallint[],
    $9::timestamptz[], $10::timestamptz[], $11::int[], $12::bytea[])";

const COUNTERS: &str = "INSERT INTO counters AS stored (workflow_id, hours, hour, channel, status, partition, executions)
SELECT * FROM UNNEST($1::uuid[], $2::smallint[], $3::timestamptz[], $4::smallint[], $5::smallint[], $6::int[], $7::bigint[])
ON CONFLICT (workflow_id, hours, hour, channel, status, partition) DO UPDATE SET executions = stored.executions + EXCLUDED.executions";

const OUTBOX: &str = "INSERT INTO outbox (partition, commit_no, payload) SELECT * FROM UNNEST($1::int[], $2::bigint[], $3::bytea[])";

/// In the order in which they are sent.
const STATEMENTS: [&str; 7] = [CURSORS, CONVERSATIONS, CUSTOMERS, KEYS, EXECUTIONS, COUNTERS, OUTBOX];

/// Events of one turn of `greet`, by which the number of a conversation's events goes up.
const EVENTS_EACH: i64 = 6;
/// Counters are kept by hour; milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// What executions are counted by: hours, and slices.
const COUNTED_HOURS: [i16; 2] = [1, 720];

/// Inputs that are committed together.
#[derive(Default)]
pub(super) struct Batch {
    /// The inputs that are messages.
    pub inputs: Vec<v1::Input>,
    last_seq: u64,
}

impl Batch {
    /// Adds the messages of a frame.
    pub fn add(&mut self, seq: u64, frame: v1::Frame) {
        self.last_seq = seq;
        self.inputs.extend(frame.inputs);
    }
}

type Columns = Vec<Box<dyn ToSql + Sync + Send>>;

/// Writes batches.
pub(super) struct Writer {
    client: Client,
    statements: Vec<Statement>,
    written: u64,
    /// The number of each partition's last commit.
    commits: BTreeMap<i32, i64>,
}

impl Writer {
    /// Clears the tables.
    pub async fn begin(client: Client) -> anyhow::Result<Self> {
        client.batch_execute(CLEAR).await.context("the runner's tables cannot be cleared")?;
        let mut statements = Vec::new();
        for text in STATEMENTS {
            statements.push(client.prepare(text).await?);
        }
        Ok(Self { client, statements, written: 0, commits: BTreeMap::new() })
    }

    /// Writes one batch and waits until it is kept.
    pub async fn commit(&mut self, batch: &Batch, pattern: &Pattern) -> anyhow::Result<()> {
        let rows: Vec<Row> = batch.inputs.iter().map(|input| self.row(input, pattern)).collect();
        let outbox = self.outbox(&rows);
        let all: [Columns; 7] = [
            cursors(&rows, batch.last_seq),
            conversations(&rows, pattern),
            customers(&rows),
            keys_of(&rows, pattern),
            executions(&rows, pattern),
            counters(&rows, pattern),
            outbox,
        ];
        let params: Vec<Vec<&(dyn ToSql + Sync)>> = all
            .iter()
            .map(|columns| columns.iter().map(|column| column.as_ref() as &(dyn ToSql + Sync)).collect())
            .collect();
        let begin = self.client.batch_execute("BEGIN");
        let run = join_all(
            self.statements
                .iter()
                .zip(&params)
                .map(|(statement, params)| self.client.query(statement, params.as_slice())),
        );
        let end = self.client.batch_execute("COMMIT");
        let (started, results, ended) = futures::join!(begin, run, end);
        started?;
        for result in results {
            result?;
        }
        Ok(ended?)
    }

    fn row(&mut self, input: &v1::Input, pattern: &Pattern) -> Row {
        self.written += 1;
        let account = Uuid::from_slice(&input.account_id).unwrap_or_default();
        let conversation = ConversationId::of(AccountId::new(account), &input.channel, &input.customer_id);
        let message_id = match &input.kind {
            Some(Kind::Message(message)) => message.message_id.as_str(),
            Some(Kind::Start(_) | Kind::Timer(_) | Kind::Result(_) | Kind::Command(_)) | None => "",
        };
        Row {
            id: Uuid::from_slice(&input.execution_id).unwrap_or_default(),
            account,
            conversation: *conversation.as_uuid(),
            key: Uuid::new_v5(conversation.as_uuid(), message_id.as_bytes()),
            customer: input.customer_id.clone(),
            partition: i32::try_from(input.partition).unwrap_or_default(),
            at_ms: input.accepted_at_ms,
            record: pattern.record(self.written),
        }
    }

    /// One outbox row for each partition.
    fn outbox(&mut self, rows: &[Row]) -> Columns {
        let mut entries: BTreeMap<i32, Vec<v1::OutboxEntry>> = BTreeMap::new();
        for row in rows {
            let execution = v1::ExecutionRef {
                id: row.id.as_bytes().to_vec().into(),
                started_at_ms: row.at_ms,
                ..v1::ExecutionRef::default()
            };
            let entry = v1::OutboxEntry { entry: Some(Entry::Execution(execution)) };
            entries.entry(row.partition).or_default().push(entry);
        }
        let payloads: Vec<Vec<u8>> =
            entries.values().map(|entries| v1::Outbox { entries: entries.clone() }.encode_to_vec()).collect();
        let keys: Vec<(i32, i64)> = entries
            .keys()
            .map(|partition| {
                let commit_no = self.commits.entry(*partition).or_default();
                *commit_no += 1;
                (*partition, *commit_no)
            })
            .collect();
        vec![column(&keys, |key| key.0), column(&keys, |key| key.1), Box::new(payloads)]
    }
}

/// What is written for one input.
struct Row {
    id: Uuid,
    account: Uuid,
    conversation: Uuid,
    key: Uuid,
    customer: String,
    partition: i32,
    at_ms: i64,
    record: Vec<u8>,
}

fn column<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Box<dyn ToSql + Sync + Send>
where
    V: ToSql + Sync + Send + 'static,
{
    Box::new(items.iter().map(value).collect::<Vec<V>>())
}

fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

fn cursors(rows: &[Row], last_seq: u64) -> Columns {
    let mut partitions: Vec<i32> = rows.iter().map(|row| row.partition).collect();
    partitions.sort_unstable();
    partitions.dedup();
    let last_seq = i64::try_from(last_seq).unwrap_or(i64::MAX);
    vec![column(&partitions, |partition| *partition), column(&partitions, |_| last_seq)]
}

fn conversations(rows: &[Row], pattern: &Pattern) -> Columns {
    // The last one of each, and how many there are.
    let mut last: BTreeMap<Uuid, (&Row, i64)> = BTreeMap::new();
    for row in rows {
        let entry = last.entry(row.conversation).or_insert((row, 0));
        *entry = (row, entry.1 + 1);
    }
    let all: Vec<(&Row, i64)> = last.into_values().collect();
    vec![
        column(&all, |(row, _)| row.conversation),
        column(&all, |(row, _)| row.partition),
        column(&all, |(row, _)| row.account),
        column(&all, |_| pattern.codes.0),
        column(&all, |(row, _)| row.customer.clone()),
        column(&all, |(_, many)| many * EVENTS_EACH),
        column(&all, |_| 0_i64),
        column(&all, |(row, _)| time(row.at_ms)),
    ]
}

fn customers(rows: &[Row]) -> Columns {
    let first: BTreeMap<&str, &Row> = rows.iter().rev().map(|row| (row.customer.as_str(), row)).collect();
    let all: Vec<&Row> = first.into_values().collect();
    vec![
        column(&all, |row| row.account),
        column(&all, |row| row.customer.clone()),
        column(&all, |row| time(row.at_ms)),
    ]
}

fn keys_of(rows: &[Row], pattern: &Pattern) -> Columns {
    vec![
        column(rows, |row| row.key),
        column(rows, |row| time(row.at_ms)),
        column(rows, |row| Some(row.id)),
        column(rows, |_| Some(pattern.workflow.0)),
    ]
}

fn executions(rows: &[Row], pattern: &Pattern) -> Columns {
    let (workflow, revision) = pattern.workflow;
    let (channel, status) = pattern.codes;
    vec![
        column(rows, |row| row.id),
        column(rows, |row| row.account),
        column(rows, |_| workflow),
        column(rows, |_| revision),
        column(rows, |row| row.conversation),
        column(rows, |row| row.customer.clone()),
        column(rows, |_| channel),
        column(rows, |_| status),
        column(rows, |row| time(row.at_ms)),
        column(rows, |row| time(row.at_ms)),
        column(rows, |row| row.partition),
        column(rows, |row| row.record.clone()),
    ]
}

fn counters(rows: &[Row], pattern: &Pattern) -> Columns {
    // Under the lowest partition, as the runner counts.
    let lowest = rows.iter().map(|row| row.partition).min().unwrap_or_default();
    let mut sums: BTreeMap<(i16, DateTime<Utc>), i64> = BTreeMap::new();
    for row in rows {
        for hours in COUNTED_HOURS {
            let width_ms = i64::from(hours) * HOUR_MS;
            *sums.entry((hours, time(row.at_ms.div_euclid(width_ms) * width_ms))).or_default() += 1;
        }
    }
    let sums: Vec<_> = sums.into_iter().collect();
    vec![
        column(&sums, |_| pattern.workflow.0),
        column(&sums, |((hours, _), _)| *hours),
        column(&sums, |((_, begin), _)| *begin),
        column(&sums, |_| pattern.codes.0),
        column(&sums, |_| pattern.codes.1),
        column(&sums, |_| lowest),
        column(&sums, |(_, sum)| *sum),
    ]
}
