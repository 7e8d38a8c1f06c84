//! The aggregator's tables. No other service touches them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use flow_rollup::{Fact, Fold, Place};
use pg::Pool;

/// The schema that the tables live in.
pub const SCHEMA: &str = "metrics";
/// The tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The numbers cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// They do not stand where the caller thinks.
    #[error("another aggregator has moved on")]
    Moved,
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] pg::Unavailable),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[from] diesel::result::Error),
}

/// How far the stream is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Creation time of the stream, Unix nanoseconds.
    pub incarnation: i64,
    /// The last message that is counted.
    pub stream_seq: u64,
}

#[derive(QueryableByName)]
struct ProgressRow {
    #[diesel(sql_type = BigInt)]
    incarnation: i64,
    #[diesel(sql_type = BigInt)]
    stream_seq: i64,
}

#[derive(QueryableByName)]
struct ReachedRow {
    #[diesel(sql_type = Integer)]
    partition: i32,
    #[diesel(sql_type = BigInt)]
    commit_no: i64,
    #[diesel(sql_type = Integer)]
    index: i32,
}

fn big(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The tables. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: Pool,
}

impl Store {
    /// Over these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Where the numbers stand.
    pub async fn progress(&self) -> Result<Progress, StoreError> {
        let mut connection = self.pool.get().await?;
        let row: ProgressRow = sql_query("SELECT incarnation, stream_seq FROM progress WHERE id = 1")
            .get_result(&mut *connection)
            .await?;
        Ok(Progress { incarnation: row.incarnation, stream_seq: u64::try_from(row.stream_seq).unwrap_or(0) })
    }

    /// Adds what is new among these facts and moves on, in one transaction.
    pub async fn fold(&self, from: Progress, to: Progress, facts: Vec<Fact>) -> Result<(), StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    // First, so that a second aggregator waits here and then finds that it has lost.
                    move_on(connection, from, to).await?;
                    let mut fold = Fold::from(reached(connection, &facts).await?);
                    for fact in &facts {
                        fold.add(fact);
                    }
                    metrics::counter!("turnloom_metrics_events_repeated_total").increment(fold.repeated());
                    keep_reached(connection, &fold).await?;
                    add_numbers(connection, &fold).await
                })
            })
            .await
    }
}

async fn move_on(connection: &mut AsyncPgConnection, from: Progress, to: Progress) -> Result<(), StoreError> {
    let moved = sql_query(
        "UPDATE progress SET incarnation = $3, stream_seq = $4 WHERE id = 1 AND incarnation = $1 AND stream_seq = $2",
    )
    .bind::<BigInt, _>(from.incarnation)
    .bind::<BigInt, _>(big(from.stream_seq))
    .bind::<BigInt, _>(to.incarnation)
    .bind::<BigInt, _>(big(to.stream_seq))
    .execute(connection)
    .await?;
    if moved == 1 { Ok(()) } else { Err(StoreError::Moved) }
}

async fn reached(
    connection: &mut AsyncPgConnection,
    facts: &[Fact],
) -> Result<HashMap<u32, Place>, StoreError> {
    let partitions: HashSet<i32> = facts.iter().map(|fact| int(fact.partition)).collect();
    let rows: Vec<ReachedRow> =
        sql_query("SELECT partition, commit_no, index FROM reached WHERE partition = ANY($1)")
            .bind::<Array<Integer>, _>(partitions.into_iter().collect::<Vec<i32>>())
            .get_results(connection)
            .await?;
    let number = |value: i32| u32::try_from(value).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|row| {
            let commit_no = u64::try_from(row.commit_no).unwrap_or(0);
            (number(row.partition), Place { commit_no, index: number(row.index) })
        })
        .collect())
}

async fn keep_reached(connection: &mut AsyncPgConnection, fold: &Fold) -> Result<(), StoreError> {
    let (mut partitions, mut commits, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    for (partition, place) in fold.reached() {
        partitions.push(int(*partition));
        commits.push(big(place.commit_no));
        indexes.push(int(place.index));
    }
    sql_query(
        "INSERT INTO reached (partition, commit_no, index) SELECT * FROM UNNEST($1::int[], $2::bigint[], $3::int[])
         ON CONFLICT (partition) DO UPDATE SET commit_no = EXCLUDED.commit_no, index = EXCLUDED.index",
    )
    .bind::<Array<Integer>, _>(partitions)
    .bind::<Array<BigInt>, _>(commits)
    .bind::<Array<Integer>, _>(indexes)
    .execute(connection)
    .await?;
    Ok(())
}

async fn add_numbers(connection: &mut AsyncPgConnection, fold: &Fold) -> Result<(), StoreError> {
    let changes = fold.changes();
    let time = |ms: i64| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    let numbers = |of: fn(&flow_rollup::Bucket) -> i64| changes.values().map(of).collect::<Vec<i64>>();
    sql_query(
        "INSERT INTO rollups AS stored (account_id, workflow_id, channel, quarter, succeeded, failed, duration_ms,
            messages_received, messages_sent)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[])
         ON CONFLICT (account_id, workflow_id, quarter, channel) DO UPDATE SET
            succeeded = stored.succeeded + EXCLUDED.succeeded, failed = stored.failed + EXCLUDED.failed,
            duration_ms = stored.duration_ms + EXCLUDED.duration_ms,
            messages_received = stored.messages_received + EXCLUDED.messages_received,
            messages_sent = stored.messages_sent + EXCLUDED.messages_sent",
    )
    .bind::<Array<SqlUuid>, _>(changes.keys().map(|key| *key.account.as_uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(changes.keys().map(|key| *key.workflow.as_uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(changes.keys().map(|key| key.channel.as_str()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(changes.keys().map(|key| time(key.quarter_ms)).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.succeeded))
    .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.failed))
    .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.duration_ms))
    .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.messages_received))
    .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.messages_sent))
    .execute(connection)
    .await?;
    Ok(())
}
