//! Reading numbers: everything of one answer from one snapshot.
//!
//! A short span is a sum of quarters of an hour. Of a long one whole UTC days are read, and quarters only where borders lie
//! inside a day, so that it costs the same however much has happened.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use flow_model::{AccountId, WorkflowId};
use flow_rollup::day::{Part, begin_ms};
use flow_rollup::{Bucket, Cut, Interval, QUARTER_MS, Reached, Sketch, Span};
use pg::Prepare;

use super::buckets::{Buckets, DAYS, QUARTERS, sketch};
use super::customers::{self, Customers};
use super::numbers::{NumbersRow, SUMS};
use super::retention::KEPT_SINCE;
use super::{Store, StoreError, reached, time};

/// Whole days that a span has at least that is read by day: fewer have few quarters.
pub(super) const DAYS_MIN: usize = 3;

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Measurement {
    /// Whose.
    pub account: AccountId,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// Of which time.
    pub span: Span,
    /// The span, cut.
    pub intervals: Vec<Interval>,
}

/// The numbers of an interval, by its position, on one channel; without durations.
type Numbers = (usize, String, Bucket);

/// What there is.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The numbers. Those where nothing happened are left out, or are zero.
    pub parts: Vec<Numbers>,
    /// The durations of the whole span.
    pub durations: Sketch,
    /// The distinct customers of the whole span.
    pub customers: u64,
    /// How far each partition is counted.
    pub reached: HashMap<u32, Reached>,
}

/// How a long span is read.
struct Long {
    /// When what is kept begins: sums by day begin there. Unix milliseconds.
    since_ms: i64,
    /// Whether all its days are summed.
    is_summed: bool,
}

#[derive(QueryableByName)]
struct LongRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    kept_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    is_summed: bool,
}

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(embed)]
    numbers: NumbersRow,
}

#[derive(QueryableByName)]
struct SketchRow {
    #[diesel(sql_type = Binary)]
    durations: Vec<u8>,
}

impl Store {
    /// The numbers of one workflow.
    pub async fn measure(&self, wanted: Measurement) -> Result<Measured, StoreError> {
        self.pool
            .run_of(*wanted.account.as_uuid(), move |connection| {
                Box::pin(async move {
                    // The locks come before the snapshot, which the first query takes: a slice is dropped before all of
                    // it or after, though a drop is seen by older snapshots, too.
                    connection
                        .batch_execute(
                            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                             LOCK TABLE ONLY rollups, ONLY visits IN ACCESS SHARE MODE",
                        )
                        .await?;
                    let reached = reached(connection).await?;
                    let long = long(connection, &wanted).await?;
                    Ok(Measured {
                        reached,
                        parts: parts(connection, &wanted, long.as_ref()).await?,
                        durations: durations(connection, &wanted, long.as_ref()).await?,
                        customers: distinct(connection, &wanted, long.as_ref()).await?,
                    })
                })
            })
            .await
    }
}

/// What there is to know before a span is read by day; none when it is short.
async fn long(connection: &mut AsyncPgConnection, wanted: &Measurement) -> Result<Option<Long>, StoreError> {
    if wanted.span.days_inside().len() < DAYS_MIN {
        return Ok(None);
    }
    let row: LongRow = sql_query(format!(
        "SELECT {KEPT_SINCE} AS kept_since,
            NOT EXISTS (SELECT FROM days_to_sum WHERE account_id = $1 AND workflow_id = $2) AS is_summed"
    ))
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .prepared()
    .get_result(connection)
    .await?;
    let since_ms = row.kept_since.map_or(i64::MIN, |time| time.timestamp_millis());
    Ok(Some(Long { since_ms, is_summed: row.is_summed }))
}

async fn parts(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
    long: Option<&Long>,
) -> Result<Vec<Numbers>, StoreError> {
    let quarters = (wanted.span.end_ms - wanted.span.start_ms) / QUARTER_MS;
    let cut = Cut::of(&wanted.intervals);
    if let Some(long) = long.filter(|long| long.is_summed && cut.rows() < quarters) {
        let days = sums(connection, wanted, DAYS, &cut.borders_ms, long.since_ms).await?;
        let kept = cut.parts.iter().map(|part| (part.span.start_ms >= long.since_ms).then_some(*part));
        let quarters = sums_of_parts(connection, wanted, &kept.collect::<Vec<_>>()).await?;
        let sums = cut.sum(days, quarters).into_iter();
        return Ok(sums.map(|((position, channel), bucket)| (position, channel, bucket)).collect());
    }
    let starts = wanted.intervals.iter().map(|interval| interval.span.start_ms);
    let borders: Vec<i64> = starts.chain([wanted.span.end_ms]).collect();
    sums(connection, wanted, QUARTERS, &borders, i64::MIN).await
}

/// Sums of the buckets between each of these borders and the next, of those that do not begin before a time.
async fn sums(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
    Buckets { table, begins }: Buckets,
    borders_ms: &[i64],
    since_ms: i64,
) -> Result<Vec<Numbers>, StoreError> {
    let Some((end_ms, starts_ms)) = borders_ms.split_last() else { return Ok(Vec::new()) };
    let first_ms = starts_ms.first().copied().unwrap_or(*end_ms);
    // Intervals have no gaps, so the last one that has begun is a bucket's.
    let rows: Vec<PartRow> = sql_query(format!(
        "SELECT width_bucket({begins}, $3::timestamptz[])::bigint AS position, channel, {SUMS}
         FROM {table} WHERE account_id = $1 AND workflow_id = $2 AND {begins} >= $4 AND {begins} < $5 GROUP BY 1, channel"
    ))
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Array<Timestamptz>, _>(starts_ms.iter().copied().map(time).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(time(first_ms.max(since_ms)))
    .bind::<Timestamptz, _>(time(*end_ms))
    .prepared()
    .get_results(connection)
    .await?;
    Ok(rows.into_iter().map(numbers).collect())
}

/// Sums of the quarters of each part, by its position. Those that are none have nothing.
async fn sums_of_parts(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
    parts: &[Option<Part>],
) -> Result<Vec<Numbers>, StoreError> {
    let positions = (1_i64..).zip(parts).filter_map(|(position, part)| Some((position, (*part)?.span)));
    let (positions, spans): (Vec<i64>, Vec<Span>) = positions.unzip();
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    // Part by part by the index, whatever the planner thinks of how many there are.
    let rows: Vec<PartRow> = sql_query(format!(
        "SELECT part.position, numbers.*
         FROM UNNEST($3::bigint[], $4::timestamptz[], $5::timestamptz[]) AS part (position, begins, ends)
         CROSS JOIN LATERAL (SELECT channel, {SUMS} FROM rollups
             WHERE account_id = $1 AND workflow_id = $2 AND quarter >= part.begins AND quarter < part.ends GROUP BY channel) AS numbers"
    ))
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Array<BigInt>, _>(positions)
    .bind::<Array<Timestamptz>, _>(spans.iter().map(|span| time(span.start_ms)).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(spans.iter().map(|span| time(span.end_ms)).collect::<Vec<_>>())
    .prepared()
    .get_results(connection)
    .await?;
    Ok(rows.into_iter().map(numbers).collect())
}

fn numbers(row: PartRow) -> Numbers {
    let position = usize::try_from(row.position - 1).unwrap_or(usize::MAX);
    (position, row.channel, row.numbers.with(Sketch::default()))
}

async fn durations(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
    long: Option<&Long>,
) -> Result<Sketch, StoreError> {
    let Some(long) = long.filter(|long| long.is_summed) else {
        let Span { start_ms, end_ms } = wanted.span;
        return merged(connection, wanted, [start_ms, end_ms, end_ms, end_ms]).await;
    };
    let kept = Span { start_ms: wanted.span.start_ms.max(long.since_ms), ..wanted.span };
    let days = kept.days_inside();
    let (first_ms, last_ms) = (begin_ms(days.start), begin_ms(days.end.max(days.start)));
    merged(connection, wanted, [kept.start_ms, first_ms, last_ms, kept.end_ms]).await
}

/// The durations of the quarters between the first two of these times, the days between the next two, and the quarters between
/// the last two.
async fn merged(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
    [start_ms, first_ms, last_ms, end_ms]: [i64; 4],
) -> Result<Sketch, StoreError> {
    let rows: Vec<SketchRow> = sql_query(
        "SELECT durations FROM rollups WHERE account_id = $1 AND workflow_id = $2 AND quarter >= $3 AND quarter < $4
         UNION ALL SELECT durations FROM rollups_by_day WHERE account_id = $1 AND workflow_id = $2 AND day >= $4 AND day < $5
         UNION ALL SELECT durations FROM rollups WHERE account_id = $1 AND workflow_id = $2 AND quarter >= $5 AND quarter < $6",
    )
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Timestamptz, _>(time(start_ms))
    .bind::<Timestamptz, _>(time(first_ms))
    .bind::<Timestamptz, _>(time(last_ms))
    .bind::<Timestamptz, _>(time(end_ms))
    .prepared()
    .get_results(connection)
    .await?;
    let mut all = Sketch::default();
    for row in rows {
        all.merge(&sketch(&row.durations, &wanted.workflow));
    }
    Ok(all)
}

async fn distinct(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
    long: Option<&Long>,
) -> Result<u64, StoreError> {
    let customers = Customers { workflow: wanted.workflow, span: wanted.span };
    let n = match long {
        Some(long) => customers::of_days(connection, customers.since(long.since_ms)).await?,
        None => customers::of_quarters(connection, customers).await?,
    };
    Ok(u64::try_from(n).unwrap_or(0))
}
