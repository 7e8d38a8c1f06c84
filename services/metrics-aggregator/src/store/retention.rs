//! How long numbers are kept, and how they go: thirty days of buckets and of who was there in one transaction.
//!
//! It takes both tables for some milliseconds; where others have one of them for longer than 50 ms, the next round, a minute
//! later, tries again. The last line before a crash may be any: a slice is gone from both tables or from none. Whoever reads
//! numbers takes the tables' weakest lock before their snapshot, so that a drop is before all of an answer or after. An
//! event that comes later than its numbers went makes the slices again, and they go with the next round. What is kept by day
//! is not read any more from the drop on, and removed behind it (`forget.rs`).

use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::v1;
use pg::PgConfig;
use pg::slices::{self, Slice};
use platform::keep::Keep;
use tokio::time::Instant;
use tokio_postgres::{Client, Error};

use super::forget::forget;
use super::slices::{ROLLUPS, VISITS};
use super::{SCHEMA, time};

/// The one class of this service. Whoever sums days begins at its `kept_since`.
const CLASS: &str = "numbers";
/// Since when numbers are kept, or null, for statements.
pub(super) const KEPT_SINCE: &str = "(SELECT kept_since FROM retention WHERE class = 'numbers')";
/// The variable that says how long.
const SETTING: &str = "TURNLOOM_KEEP_NUMBERS_DAYS";
/// Slices that are made for the time to come.
const SLICES_AHEAD: i64 = 1;
/// How often it is tried to take the tables within the patience of one who waits for it.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// The numbers' time cannot be seen to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetentionError {
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] pg::Unavailable),
    /// A statement failed.
    #[error("a statement failed")]
    Database(#[from] Error),
}

/// Applies retention. Several do no harm.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    config: PgConfig,
    keep: Keep,
}

impl Retention {
    /// With this time.
    pub fn new(config: PgConfig, keep: Keep) -> Self {
        Self { config, keep }
    }

    /// Makes the slices for the time to come, drops what is over its time, and forgets what was kept of it by day.
    pub async fn tidy_up(&self, now_ms: i64) -> Result<(), RetentionError> {
        let client = pg::raw::connect(&self.config, SCHEMA).await?;
        for sliced in [ROLLUPS, VISITS] {
            for slice in (0..=SLICES_AHEAD).map(|n| sliced.slice_of(now_ms) + n) {
                client.batch_execute(&sliced.making(slice)).await?;
            }
        }
        self.apply(now_ms, Duration::ZERO).await?;
        forget(&client, CLASS).await?;
        Ok(())
    }

    /// What there is, and what is over its time.
    pub async fn look(&self, now_ms: i64) -> Result<v1::RetentionClass, RetentionError> {
        let client = pg::raw::connect(&self.config, SCHEMA).await?;
        Ok(self.look_with(&client, now_ms).await?)
    }

    /// Drops what is over its time. Tables that others have are tried as long as the patience lasts. Tells how it is
    /// afterwards, and what went.
    pub async fn apply(&self, now_ms: i64, patience: Duration) -> Result<v1::RetentionClass, RetentionError> {
        let mut client = pg::raw::connect(&self.config, SCHEMA).await?;
        let deadline = Instant::now() + patience;
        let before = self.look_with(&client, now_ms).await?;
        let mut due = self.due(&client, now_ms).await?.into_iter().peekable();
        while let Some(slice) = due.peek() {
            if drop_slice(&mut client, *slice).await? {
                due.next();
            } else if Instant::now() + TRY_EVERY > deadline {
                tracing::info!("numbers that are over their time are in use; they are dropped later");
                break;
            } else {
                tokio::time::sleep(TRY_EVERY).await;
            }
        }
        let after = self.look_with(&client, now_ms).await?;
        let slices = before.due.len().saturating_sub(after.due.len());
        let dropped_rows = before.due_rows.saturating_sub(after.due_rows);
        if slices > 0 {
            tracing::info!(slices, rows = dropped_rows, "numbers that were over their time are dropped");
        }
        let dropped_slices = u32::try_from(slices).unwrap_or(u32::MAX);
        Ok(v1::RetentionClass { dropped_slices, dropped_rows, ..after })
    }

    /// The numbers of slices that are over their time, of either table.
    async fn due(&self, client: &Client, now_ms: i64) -> Result<Vec<i64>, Error> {
        let Some(since_ms) = self.keep.since_ms(now_ms) else { return Ok(Vec::new()) };
        let all = [ROLLUPS.all(client).await?, VISITS.all(client).await?].concat();
        let mut due: Vec<i64> = all.iter().map(|slice| slice.number).collect();
        due.retain(|slice| *slice < ROLLUPS.slice_of(since_ms));
        due.sort_unstable();
        due.dedup();
        Ok(due)
    }

    async fn look_with(&self, client: &Client, now_ms: i64) -> Result<v1::RetentionClass, Error> {
        let since_ms = self.keep.since_ms(now_ms);
        let mut all: Vec<(String, Slice)> = Vec::new();
        for sliced in [ROLLUPS, VISITS] {
            let slices = sliced.all(client).await?;
            all.extend(slices.into_iter().map(|slice| (sliced.name(slice.number), slice)));
        }
        let first_kept = since_ms.map(|since_ms| ROLLUPS.slice_of(since_ms));
        let due = || all.iter().filter(|(_, slice)| first_kept.is_some_and(|first| slice.number < first));
        let oldest = all.iter().map(|(_, slice)| slice.number).min();
        let kept = client.query_opt("SELECT kept_since FROM retention WHERE class = $1", &[&CLASS]).await?;
        Ok(v1::RetentionClass {
            name: CLASS.to_owned(),
            setting: SETTING.to_owned(),
            keep_days: self.keep.in_days(),
            slices: Some(u32::try_from(all.len()).unwrap_or(u32::MAX)),
            rows: all.iter().map(|(_, slice)| slice.rows).sum(),
            bytes: all.iter().map(|(_, slice)| slice.bytes).sum(),
            kept_since_ms: kept.map(|row| row.get::<_, DateTime<Utc>>(0).timestamp_millis()),
            oldest_ms: oldest.map(|slice| ROLLUPS.begin_ms(slice)),
            next_due_ms: oldest
                .zip(self.keep.ms())
                .map(|(slice, keep_ms)| ROLLUPS.begin_ms(slice + 1) + keep_ms),
            due: due().map(|(name, _)| name.clone()).collect(),
            due_rows: due().map(|(_, slice)| slice.rows).sum(),
            ..v1::RetentionClass::default()
        })
    }
}

/// Drops a slice of both tables. False when somebody has one of them.
async fn drop_slice(client: &mut Client, slice: i64) -> Result<bool, Error> {
    match drop_both(client, slice).await {
        Err(error) if slices::is_in_use(&error) => Ok(false),
        other => other,
    }
}

async fn drop_both(client: &mut Client, slice: i64) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    if !slices::begin_dropping(&transaction, ROLLUPS).await? {
        return Ok(false);
    }
    for sliced in [ROLLUPS, VISITS] {
        if sliced.lock(&transaction, slice).await? {
            sliced.drop(&transaction, slice).await?;
        }
    }
    transaction
        .execute(
            "INSERT INTO retention AS stored (class, kept_since) VALUES ($1, $2)
             ON CONFLICT (class) DO UPDATE SET kept_since = GREATEST(stored.kept_since, EXCLUDED.kept_since)",
            &[&CLASS, &time(ROLLUPS.begin_ms(slice + 1))],
        )
        .await?;
    transaction.commit().await?;
    Ok(true)
}
