//! The aggregator's tables. No other service touches them.

mod buckets;
mod by_day;
mod count;
mod customers;
mod erase;
mod forget;
mod numbers;
mod read;
mod repair;
mod retention;
mod slices;
mod visitors;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use flow_rollup::{Place, Reached};
use pg::Pool;

pub(crate) use read::{Measured, Measurement};
pub(crate) use repair::{Recorded, Repair};
pub(crate) use retention::{Retention, RetentionError};

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
    seq: i64,
}

#[derive(QueryableByName)]
struct ReachedRow {
    #[diesel(sql_type = Integer)]
    partition: i32,
    #[diesel(sql_type = BigInt)]
    commit_no: i64,
    #[diesel(sql_type = Integer)]
    index: i32,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

fn time(ms: i64) -> DateTime<Utc> {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default()
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
        let row: ProgressRow = sql_query("SELECT incarnation, seq FROM progress WHERE id = 1")
            .get_result(&mut *connection)
            .await?;
        Ok(Progress { incarnation: row.incarnation, stream_seq: u64::try_from(row.seq).unwrap_or(0) })
    }

    /// How far each partition is counted.
    pub async fn reached(&self) -> Result<HashMap<u32, Reached>, StoreError> {
        let mut connection = self.pool.get().await?;
        reached(&mut connection).await
    }
}

async fn reached(connection: &mut AsyncPgConnection) -> Result<HashMap<u32, Reached>, StoreError> {
    let rows: Vec<ReachedRow> =
        sql_query("SELECT partition, commit_no, index, at FROM reached").get_results(connection).await?;
    let number = |value: i32| u32::try_from(value).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|row| {
            let commit_no = u64::try_from(row.commit_no).unwrap_or(0);
            let place = Place { commit_no, index: number(row.index) };
            (number(row.partition), Reached { place, at_ms: row.at.timestamp_millis() })
        })
        .collect())
}
