//! Reading numbers: everything of one answer from one snapshot.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use flow_model::{AccountId, WorkflowId};
use flow_rollup::{Bucket, Interval, Reached, Sketch, Span};
use pg::Prepare;

use super::count::sketch;
use super::usage::{SUMS, UsageRow};
use super::{Store, StoreError, reached, time};

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

/// What there is.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The numbers of an interval, by its position, on one channel; without durations. Those where nothing happened are left
    /// out.
    pub parts: Vec<(usize, String, Bucket)>,
    /// The durations of the whole span.
    pub durations: Sketch,
    /// The distinct customers of the whole span.
    pub customers: u64,
    /// How far each partition is counted.
    pub reached: HashMap<u32, Reached>,
}

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = BigInt)]
    succeeded: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
    #[diesel(sql_type = BigInt)]
    messages_received: i64,
    #[diesel(sql_type = BigInt)]
    messages_sent: i64,
    #[diesel(embed)]
    ai: UsageRow,
}

#[derive(QueryableByName)]
struct SketchRow {
    #[diesel(sql_type = Binary)]
    durations: Vec<u8>,
}

#[derive(QueryableByName)]
struct CustomersRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
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
                    Ok(Measured {
                        reached: reached(connection).await?,
                        parts: parts(connection, &wanted).await?,
                        durations: durations(connection, &wanted).await?,
                        customers: customers(connection, &wanted).await?,
                    })
                })
            })
            .await
    }
}

async fn parts(
    connection: &mut AsyncPgConnection,
    wanted: &Measurement,
) -> Result<Vec<(usize, String, Bucket)>, StoreError> {
    // Intervals have no gaps, so the last one that has begun is a quarter's.
    let begins: Vec<_> = wanted.intervals.iter().map(|interval| time(interval.span.start_ms)).collect();
    let rows: Vec<PartRow> = sql_query(format!(
        "SELECT width_bucket(quarter, $3::timestamptz[])::bigint AS position, channel, sum(succeeded)::bigint AS succeeded,
            sum(failed)::bigint AS failed, sum(duration_ms)::bigint AS duration_ms, sum(messages_received)::bigint AS messages_received,
            sum(messages_sent)::bigint AS messages_sent, {SUMS}
         FROM rollups WHERE account_id = $1 AND workflow_id = $2 AND quarter >= $4 AND quarter < $5 GROUP BY 1, channel"
    ))
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Array<Timestamptz>, _>(begins)
    .bind::<Timestamptz, _>(time(wanted.span.start_ms))
    .bind::<Timestamptz, _>(time(wanted.span.end_ms))
    .prepared()
    .get_results(connection)
    .await?;
    let part = |row: PartRow| {
        let position = usize::try_from(row.position - 1).unwrap_or(usize::MAX);
        let bucket = Bucket {
            succeeded: row.succeeded,
            failed: row.failed,
            duration_ms: row.duration_ms,
            messages_received: row.messages_received,
            messages_sent: row.messages_sent,
            durations: Sketch::default(),
            ai: (&row.ai).into(),
        };
        (position, row.channel, bucket)
    };
    Ok(rows.into_iter().map(part).collect())
}

async fn durations(connection: &mut AsyncPgConnection, wanted: &Measurement) -> Result<Sketch, StoreError> {
    let rows: Vec<SketchRow> = sql_query(
        "SELECT durations FROM rollups WHERE account_id = $1 AND workflow_id = $2 AND quarter >= $3 AND quarter < $4",
    )
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Timestamptz, _>(time(wanted.span.start_ms))
    .bind::<Timestamptz, _>(time(wanted.span.end_ms))
    .prepared()
    .get_results(connection)
    .await?;
    let mut all = Sketch::default();
    for row in rows {
        all.merge(&sketch(&row.durations, &wanted.workflow));
    }
    Ok(all)
}

async fn customers(connection: &mut AsyncPgConnection, wanted: &Measurement) -> Result<u64, StoreError> {
    let row: CustomersRow = sql_query(
        // Hashed: count(DISTINCT …) would sort.
        "SELECT count(*) AS n FROM (SELECT DISTINCT customer FROM visits
            WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3) AS customers",
    )
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Timestamptz, _>(time(wanted.span.start_ms))
    .bind::<Timestamptz, _>(time(wanted.span.end_ms))
    .prepared()
    .get_result(connection)
    .await?;
    Ok(u64::try_from(row.n).unwrap_or(0))
}
