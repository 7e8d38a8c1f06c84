//! Fills the tables with what the product would have written, day by day, one transaction each.
//!
//! What a day has is drawn here and copied into a temporary table; the tables of the services are filled from there by
//! set. Counters, numbers and visits are added with the executions that they count; who came back when, conversations and
//! customers follow at the end.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::draw::{DAY_MS, Drawn, Pass, days};
use super::samples::{self, Samples};
use super::talkers::Talkers;
use super::{database, rollups};
use crate::number::{count, real};
use crate::progress;

/// Message keys are kept so many days, and younger ones are filled in: fewer than the default of the runner.
const KEY_DAYS: i64 = 29;
/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(3);
/// The channel of everything.
pub(super) const CHANNEL: &str = "web";

/// Connections that fill at once. Each fills whole slices of its own, so that none waits for a row of another's.
pub(super) const HANDS: usize = 2;
const NO_HANDS: &str = "nothing to fill with";
/// Days of a slice: of executions, of what counts them, and of numbers.
const SLICE_DAYS: i64 = 30;

/// Fills.
pub(super) struct Filler {
    hands: Vec<Client>,
    ground: Ground,
    /// How many executions each workflow has by what is filled in so far.
    sizes: Vec<u64>,
}

/// What is filled in.
struct Ground {
    samples: Samples,
    /// The workflows, by rank.
    workflows: Vec<Uuid>,
    /// When everything starts.
    span: Range<i64>,
    /// What is filled in so far, or being filled in.
    filled: Vec<Pass>,
    /// The customers.
    talkers: Talkers,
}

/// How far it is.
struct Told {
    all: u64,
    done: AtomicU64,
    begun: Instant,
}

impl Filler {
    /// Takes the samples and makes the slices; nothing is filled in yet.
    pub async fn begin(hands: Vec<Client>, workflows: Vec<Uuid>, span: Range<i64>) -> anyhow::Result<Self> {
        let last = workflows.last().copied().context("there are no workflows")?;
        let mut samples = None;
        for hand in &hands {
            samples = Some(samples::take(hand, last).await?);
            hand.batch_execute(DRAWN).await?;
        }
        let (samples, hand) = samples.zip(hands.first()).context(NO_HANDS)?;
        let all = days(&span);
        for (table, first) in [
            ("executions", all.start),
            ("message_keys", all.end - KEY_DAYS),
            ("metrics.rollups", all.start),
            ("metrics.visits", all.start),
        ] {
            let width = database::slice_days(hand, table).await?;
            let slices = first.div_euclid(width)..(all.end - 1).div_euclid(width) + 1;
            for slice in slices {
                database::make_slice(hand, table, slice, width).await?;
            }
        }
        let talkers = Talkers::of(samples.account);
        let ground = Ground { samples, workflows, span, filled: Vec::new(), talkers };
        Ok(Self { hands, ground, sizes: Vec::new() })
    }

    /// A connection, for those who look at what is filled in.
    ///
    /// # Errors
    /// When there is none.
    pub fn client(&self) -> anyhow::Result<&Client> {
        self.hands.first().context(NO_HANDS)
    }

    /// Adds executions until each workflow has so many.
    pub async fn fill(&mut self, sizes: &[u64]) -> anyhow::Result<()> {
        let Self { hands, ground, sizes: had } = self;
        let before = ground.filled.iter().map(|pass| pass.count).sum();
        let added = sizes.iter().zip(had.iter().copied().chain(std::iter::repeat(0)));
        let added = added.map(|(size, had)| size.checked_sub(had));
        let added: Vec<u64> = added.collect::<Option<_>>().context("a workflow would have to shrink")?;
        let pass = Pass::new(before, &added, &ground.span);
        sizes.clone_into(had);
        ground.talkers.name(pass.customers());
        ground.filled.push(pass.clone());
        let told = Told { all: pass.count, done: AtomicU64::new(0), begun: Instant::now() };
        progress::say(&format!("grow: filling in {} executions of {} customers", told.all, pass.customers()));
        database::relax(hands.first().context(NO_HANDS)?).await?;
        let filling = (0_i64..).zip(hands.iter_mut()).map(|(n, hand)| ground.fill(hand, n, &pass, &told));
        futures::future::try_join_all(filling).await?;
        (0..pass.count).for_each(|n| ground.talkers.talk(&pass.one(n)));
        ground.finish(hands.first().context(NO_HANDS)?).await?;
        told.say();
        Ok(())
    }
}

impl Told {
    fn say(&self) {
        let (done, took) = (self.done.load(Ordering::Relaxed), self.begun.elapsed().as_secs_f64());
        let rate = real(done) / took;
        progress::say(&format!(
            "grow: {done} of {} executions filled in, {took:.1} s, {rate:.0}/s",
            self.all
        ));
    }
}

impl Ground {
    /// Fills in one of so many parts of a pass.
    async fn fill(&self, hand: &mut Client, part: i64, pass: &Pass, told: &Told) -> anyhow::Result<()> {
        let hands = i64::try_from(HANDS)?;
        let mut said_at = Instant::now();
        for day in days(&self.span).filter(|day| day.div_euclid(SLICE_DAYS).rem_euclid(hands) == part) {
            let done = self.fill_day(hand, pass, day).await.with_context(|| format!("day {day}"))?;
            told.done.fetch_add(done, Ordering::Relaxed);
            if part == 0 && said_at.elapsed() >= SAY_EVERY {
                said_at = Instant::now();
                told.say();
            }
        }
        Ok(())
    }

    /// Fills in one day of a pass; gives how many executions that was.
    async fn fill_day(&self, hand: &mut Client, pass: &Pass, day: i64) -> anyhow::Result<u64> {
        let drawn = pass.of_day(day);
        if drawn.is_empty() {
            return Ok(0);
        }
        // The numbers of a quarter are those of all passes: a sketch is not added to by SQL.
        let of_all: Vec<Drawn> = self.filled.iter().flat_map(|pass| pass.of_day(day)).collect();
        let buckets = rollups::fold(&of_all, &self.samples, &self.workflows);
        let transaction = hand.transaction().await?;
        copy(&transaction, &drawn, &self.samples, &self.workflows, &self.talkers).await?;
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

    /// What follows from everything.
    async fn finish(&self, hand: &Client) -> anyhow::Result<()> {
        progress::say("grow: who came back when, conversations and customers");
        hand.batch_execute("SELECT metrics.make_visitors()").await.context("who came back when")?;
        self.talkers.write(hand, self.samples.channel).await?;
        // The real executions of this day are in its quarters only now.
        let (account, last) = (self.samples.account, self.workflows.last().copied());
        let day = time(days(&self.span).end * DAY_MS - DAY_MS);
        hand.execute(TO_SUM, &[&account, &last, &day]).await.context("the last day")?;
        Ok(())
    }
}

async fn copy(
    transaction: &Transaction<'_>,
    drawn: &[Drawn],
    samples: &Samples,
    workflows: &[Uuid],
    talkers: &Talkers,
) -> anyhow::Result<()> {
    let sink = transaction.copy_in("COPY drawn FROM STDIN (FORMAT binary)").await?;
    let [success, failed] = samples.statuses;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &DRAWN_TYPES));
    for one in drawn {
        let workflow = workflows.get(one.workflow).context("a workflow")?;
        let talker = talkers.get(one.customer).context("a customer")?;
        let sample = i32::try_from(one.repeats % samples::EACH)?;
        let (started, completed) = (time(one.started_at_ms), time(one.started_at_ms + one.duration_ms));
        let status = if one.failed { failed } else { success };
        let row: [&(dyn ToSql + Sync); 10] = [
            &one.id,
            workflow,
            &talker.conversation,
            &talker.id,
            &talker.key,
            &status,
            &sample,
            &started,
            &completed,
            &talker.partition,
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

const TO_SUM: &str = "INSERT INTO metrics.days_to_sum (account_id, workflow_id, day) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
