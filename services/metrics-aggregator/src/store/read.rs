//! Reading numbers: everything of one answer from one snapshot.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use flow_model::{AccountId, WorkflowId};
use flow_rollup::{Bucket, Interval, Reached, Sketch, Span};

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
            .run(move |connection| {
                Box::pin(async move {
                    connection
                        .batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
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
    let borders = |of: fn(&Span) -> i64| {
        wanted.intervals.iter().map(|interval| time(of(&interval.span))).collect::<Vec<_>>()
    };
    let rows: Vec<PartRow> = sql_query(format!(
        "SELECT cut.position, channel, sum(succeeded)::bigint AS succeeded, sum(failed)::bigint AS failed,
            sum(duration_ms)::bigint AS duration_ms, sum(messages_received)::bigint AS messages_received,
            sum(messages_sent)::bigint AS messages_sent, {SUMS}
         FROM UNNEST($3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY AS cut (start_at, end_at, position)
         JOIN rollups ON account_id = $1 AND workflow_id = $2 AND quarter >= cut.start_at AND quarter < cut.end_at
         GROUP BY cut.position, channel"
    ))
    .bind::<SqlUuid, _>(wanted.account.as_uuid())
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Array<Timestamptz>, _>(borders(|span| span.start_ms))
    .bind::<Array<Timestamptz>, _>(borders(|span| span.end_ms))
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
        "SELECT count(DISTINCT customer) AS n FROM visits WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3",
    )
    .bind::<SqlUuid, _>(wanted.workflow.as_uuid())
    .bind::<Timestamptz, _>(time(wanted.span.start_ms))
    .bind::<Timestamptz, _>(time(wanted.span.end_ms))
    .get_result(connection)
    .await?;
    Ok(u64::try_from(row.n).unwrap_or(0))
}
