//! Fills the tables with what the product would have written, day by day, one transaction each.
//!
//! What a day has is drawn here and copied into a temporary table; the tables of the services are filled from there by
//! set. Counters, numbers and visits are added with the executions that they count; conversations and customers follow
//! from all executions at the end.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use contracts::partition::{self, PARTITIONS_DEFAULT};
use flow_model::{AccountId, ConversationId};
use flow_rollup::customer_key;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::draw::{DAY_MS, Drawn, Pass, days};
use super::samples::{self, Samples};
use super::{database, rollups};
use crate::number::{count, index, real};
use crate::progress;

/// Message keys are kept so many days, and younger ones are filled in: fewer than the default of the runner.
const KEY_DAYS: i64 = 29;
/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(3);
/// The channel of everything.
const CHANNEL: &str = "web";

/// Fills.
pub(super) struct Filler {
    client: Client,
    samples: Samples,
    /// The workflows, by rank.
    workflows: Vec<Uuid>,
    /// When everything starts.
    span: Range<i64>,
    /// What is filled in so far.
    filled: Vec<Pass>,
    /// How many executions each workflow has by that.
    sizes: Vec<u64>,
    /// Conversation and partition of each customer, and what stands for them where they were.
    customers: Vec<(Uuid, i32, Uuid)>,
}

impl Filler {
    /// Takes the samples and makes the slices; nothing is filled in yet.
    pub async fn begin(client: Client, workflows: Vec<Uuid>, span: Range<i64>) -> anyhow::Result<Self> {
        let last = workflows.last().copied().context("there are no workflows")?;
        let samples = samples::take(&client, last).await?;
        client.batch_execute(DRAWN).await?;
        let all = days(&span);
        for (table, first) in [
            ("executions", all.start),
            ("message_keys", all.end - KEY_DAYS),
            ("metrics.rollups", all.start),
            ("metrics.visits", all.start),
        ] {
            let width = database::slice_days(&client, table).await?;
            let slices = first.div_euclid(width)..(all.end - 1).div_euclid(width) + 1;
            for slice in slices {
                database::make_slice(&client, table, slice, width).await?;
            }
        }
        let (filled, sizes, customers) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { client, samples, workflows, span, filled, sizes, customers })
    }

    /// The connection, for those who look at what is filled in.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Adds executions until each workflow has so many.
    pub async fn fill(&mut self, sizes: &[u64]) -> anyhow::Result<()> {
        let before = self.filled.iter().map(|pass| pass.count).sum();
        let had = self.sizes.iter().copied().chain(std::iter::repeat(0));
        let added = sizes.iter().zip(had).map(|(size, had)| size.checked_sub(had));
        let added: Vec<u64> = added.collect::<Option<_>>().context("a workflow would have to shrink")?;
        let pass = Pass::new(before, &added, &self.span);
        sizes.clone_into(&mut self.sizes);
        self.name_customers(pass.customers());
        let (all, begun, mut said_at, mut done) = (pass.count, Instant::now(), Instant::now(), 0);
        progress::say(&format!("grow: filling in {all} executions of {} customers", pass.customers()));
        self.filled.push(pass.clone());
        for day in days(&self.span) {
            done += self.fill_day(&pass, day).await.with_context(|| format!("day {day}"))?;
            if said_at.elapsed() >= SAY_EVERY {
                said_at = Instant::now();
                let per_second = real(done) / begun.elapsed().as_secs_f64();
                progress::say(&format!("grow: {done} of {all} executions filled in, {per_second:.0}/s"));
            }
        }
        progress::say("grow: conversations and customers");
        for statement in [CONVERSATIONS, CUSTOMERS, CONVERSATION_COUNTS] {
            self.client.batch_execute(statement).await.context(statement)?;
        }
        progress::say(&format!("grow: {done} executions filled in, {:.1} s", begun.elapsed().as_secs_f64()));
        Ok(())
    }

    fn name_customers(&mut self, until: u64) {
        let account = AccountId::new(self.samples.account);
        let new = count(self.customers.len())..until;
        self.customers.extend(new.map(|n| {
            let name = customer_id(n);
            let partition = partition::of_customer(account, &name, PARTITIONS_DEFAULT);
            let conversation = ConversationId::of(account, CHANNEL, &name);
            (*conversation.as_uuid(), i32::try_from(partition).unwrap_or(0), customer_key(&name))
        }));
    }

    /// Fills in one day of a pass; gives how many executions that was.
    async fn fill_day(&mut self, pass: &Pass, day: i64) -> anyhow::Result<u64> {
        let drawn = pass.of_day(day);
        if drawn.is_empty() {
            return Ok(0);
        }
        // The numbers of a quarter are those of all passes: a sketch is not added to by SQL.
        let of_all: Vec<Drawn> = self.filled.iter().flat_map(|pass| pass.of_day(day)).collect();
        let buckets = rollups::fold(&of_all, &self.samples, &self.workflows);
        let transaction = self.client.transaction().await?;
        copy(&transaction, &drawn, &self.samples, &self.workflows, &self.customers).await?;
        let (account, channel) = (self.samples.account, self.samples.channel);
        let inserted = transaction.execute(EXECUTIONS, &[&account, &channel]).await.context("executions")?;
        anyhow::ensure!(inserted == count(drawn.len()), "{inserted} rows for {} executions", drawn.len());
        transaction.execute(COUNTERS, &[&channel]).await.context("counters")?;
        transaction.execute(VISITS, &[]).await.context("visits")?;
        if (day + KEY_DAYS) * DAY_MS > self.span.end {
            transaction.execute(KEYS, &[]).await.context("message keys")?;
        }
        rollups::write(&transaction, &buckets).await.context("numbers")?;
        transaction.batch_execute("TRUNCATE drawn").await?;
        transaction.commit().await?;
        Ok(inserted)
    }
}

/// The id of a customer.
fn customer_id(n: u64) -> String {
    format!("customer-{n}")
}

async fn copy(
    transaction: &Transaction<'_>,
    drawn: &[Drawn],
    samples: &Samples,
    workflows: &[Uuid],
    customers: &[(Uuid, i32, Uuid)],
) -> anyhow::Result<()> {
    let sink = transaction.copy_in("COPY drawn FROM STDIN (FORMAT binary)").await?;
    let [success, failed] = samples.statuses;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &DRAWN_TYPES));
    for one in drawn {
        let workflow = workflows.get(one.workflow).context("a workflow")?;
        let (conversation, partition, key) = customers.get(index(one.customer)).context("a customer")?;
        let sample = i32::try_from(one.repeats % samples::EACH)?;
        let (started, completed) = (time(one.started_at_ms), time(one.started_at_ms + one.duration_ms));
        let status = if one.failed { failed } else { success };
        let customer = customer_id(one.customer);
        let row: [&(dyn ToSql + Sync); 10] = [
            &one.id,
            workflow,
            conversation,
            &customer,
            key,
            &status,
            &sample,
            &started,
            &completed,
            partition,
        ];
        writer.as_mut().write(&row).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// A time as the database takes it.
pub(super) fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

const DRAWN: &str = "CREATE TEMP TABLE drawn (id uuid, workflow_id uuid, conversation_id uuid, customer_id text,
    customer_key uuid, status smallint, sample integer, started_at timestamptz, completed_at timestamptz, partition integer)";

const DRAWN_TYPES: [Type; 10] = [
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::TEXT,
    Type::UUID,
    Type::INT2,
    Type::INT4,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::INT4,
];

const EXECUTIONS: &str = "INSERT INTO executions (id, account_id, workflow_id, revision, conversation_id, customer_id, channel,
    status, started_at, completed_at, partition, record)
SELECT id, $1, workflow_id, revision, conversation_id, customer_id, $2, status, started_at, completed_at, partition, record
FROM drawn JOIN samples USING (status, sample)";

// By the hour, and by a slice of executions; all under one partition, as by a runner that has them all.
const COUNTERS: &str = "INSERT INTO counters AS stored (workflow_id, hours, hour, channel, status, partition, executions)
SELECT workflow_id, width, to_timestamp(floor(extract(epoch FROM started_at) / 3600 / width) * 3600 * width), $1, status, 0, count(*)
FROM drawn, UNNEST('{1,720}'::smallint[]) AS width GROUP BY 1, 2, 3, 5
ON CONFLICT (workflow_id, hours, hour, channel, status, partition) DO UPDATE
SET executions = stored.executions + EXCLUDED.executions";

const VISITS: &str = "INSERT INTO metrics.visits (workflow_id, quarter, customer)
SELECT DISTINCT workflow_id, date_bin('15 minutes', started_at, 'epoch'), customer_key FROM drawn ON CONFLICT DO NOTHING";

// Nobody asks for these messages: as many keys as the product has, and as large, but not derived from anything.
const KEYS: &str = "INSERT INTO message_keys (key, accepted_at, execution_id, workflow_id)
SELECT gen_random_uuid(), started_at, id, workflow_id FROM drawn";

// Six events for each execution, by which the number of a conversation's events goes up.
const CONVERSATIONS: &str = "INSERT INTO conversations (id, partition, account_id, channel, customer_id, seq, wait_no, updated_at,
    created_at)
SELECT conversation_id, min(partition), account_id, channel, min(customer_id), count(*) * 6, 0, max(completed_at), min(started_at)
FROM executions WHERE customer_id LIKE 'customer-%' GROUP BY conversation_id, account_id, channel
ON CONFLICT (id) DO UPDATE SET seq = EXCLUDED.seq, updated_at = EXCLUDED.updated_at, created_at = EXCLUDED.created_at";

const CUSTOMERS: &str = "INSERT INTO customers (account_id, customer_id, created_at)
SELECT account_id, customer_id, created_at FROM conversations WHERE customer_id LIKE 'customer-%'
ON CONFLICT (account_id, customer_id) DO UPDATE SET created_at = EXCLUDED.created_at";

const CONVERSATION_COUNTS: &str =
    "INSERT INTO conversation_counts (account_id, channel, partition, conversations)
SELECT account_id, channel, partition, count(*) FROM conversations WHERE customer_id <> '' GROUP BY 1, 2, 3
ON CONFLICT (account_id, channel, partition) DO UPDATE SET conversations = EXCLUDED.conversations";
