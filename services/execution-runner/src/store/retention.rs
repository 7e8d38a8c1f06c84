//! How long things are kept, and how they go.
//!
//! Everything that grows belongs to a class, and each class has one time: executions with their steps, notes (what happened
//! to conversations beside executions), dead letters that were tried again and those that were not, keys of messages. What
//! is cut by time goes by the slice, when all of the slice is over its time, so it is kept up to a slice longer. Nothing
//! that has yet to happen is in any class: conversations with their waits, running executions, mailboxes and timers stay.
//!
//! `kept –its last moment is over its time→ due –nobody has the table for a moment→ dropped`. A slice is one transaction:
//! it takes the table, removes the counters of the slice's hours, drops the slice and notes since when executions are kept.
//! - The last line before a crash may be any of them: the transaction has happened or it has not, and a round, once a
//!   minute at every runner, goes on from what there is.
//! - Two at once: one has the advisory lock, the other comes back later. A slice that is gone is none to drop.
//! - Somebody who reads for long: the table is waited for for 50 ms, so that others wait no longer behind it; then the round
//!   is over for that table. Nothing else depends on it.
//! - A page and its total agree: whoever reads both takes the table's weakest lock before their snapshot
//!   ([`Reads::snapshot`](super::read::Reads)), so that a drop is either before all of it or after.
//! - An execution that ends, or a dead letter that is tried again, after its slice is gone: its row makes it again, its
//!   counter counts it, and the next round drops both. Not before its events are told ([`untold`]).

mod executions;
mod rows;
mod untold;

use std::time::Duration;

use contracts::v1;
use pg::PgConfig;
use pg::slices::{self, Sliced};
use platform::keep::Keep;
use tokio::time::Instant;
use tokio_postgres::{Client, Error};

use super::SCHEMA;
use super::code::time;
use super::maintenance::MaintenanceError;
use super::slices::{EXECUTIONS, MESSAGE_KEYS, NOTES};

/// How long each class is kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Executions, since they started.
    pub executions: Keep,
    /// Notes, since they were made.
    pub notes: Keep,
    /// Dead letters, since they were tried again.
    pub dead_letters: Keep,
    /// Dead letters that nobody has tried again, since they are dead.
    pub open_dead_letters: Keep,
    /// Keys of messages, since those were accepted.
    pub message_keys: Keep,
}

/// What is kept under one time.
struct Class {
    name: &'static str,
    /// The variable that says how long; empty where nothing does.
    setting: &'static str,
    keep: Keep,
    held: Held,
}

/// How a class is stored.
enum Held {
    /// In slices of a table.
    Sliced(Sliced),
    /// As rows among others.
    Rows(&'static rows::Rows),
}

/// What became of a slice that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is dropped, or was not there.
    Gone,
    /// Somebody has the table; it is due later as well.
    InUse,
}

/// How often it is tried to take a table within the patience of one who waits for it.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Applies retention. Several do no harm.
#[derive(Debug, Clone)]
pub struct Retention {
    config: PgConfig,
    kept: Kept,
}

impl Retention {
    /// With these times.
    pub fn new(config: PgConfig, kept: Kept) -> Self {
        Self { config, kept }
    }

    /// What there is of each class, and what is over its time.
    pub(crate) async fn look(&self, now_ms: i64) -> Result<Vec<v1::RetentionClass>, MaintenanceError> {
        let client = self.connect().await?;
        let mut found = Vec::new();
        for class in self.classes() {
            found.push(look(&client, &class, now_ms).await?);
        }
        Ok(found)
    }

    /// Drops what is over its time. A table that others have is tried again as long as the patience lasts, and then left for
    /// the next time. Tells how it is afterwards, and what went.
    pub(crate) async fn apply(
        &self,
        now_ms: i64,
        patience: Duration,
    ) -> Result<Vec<v1::RetentionClass>, MaintenanceError> {
        let mut client = self.connect().await?;
        let deadline = Instant::now() + patience;
        let mut found = Vec::new();
        for class in self.classes() {
            let before = look(&client, &class, now_ms).await?;
            apply(&mut client, &class, now_ms, deadline).await?;
            let after = look(&client, &class, now_ms).await?;
            let (slices, rows) = went(&before, &after);
            if slices > 0 || rows > 0 {
                tracing::info!(class = class.name, slices, rows, "what was over its time is dropped");
                metrics::counter!("turnloom_retention_dropped_slices_total", "class" => class.name)
                    .increment(slices.into());
            }
            found.push(v1::RetentionClass { dropped_slices: slices, dropped_rows: rows, ..after });
        }
        Ok(found)
    }

    async fn connect(&self) -> Result<Client, MaintenanceError> {
        Ok(pg::raw::connect(&self.config, SCHEMA).await?)
    }

    fn classes(&self) -> [Class; 7] {
        let Kept { executions, notes, dead_letters, open_dead_letters, message_keys } = self.kept;
        let class = |name, setting, keep, held| Class { name, setting, keep, held };
        let rows = |rows| Held::Rows(rows);
        let sliced = Held::Sliced;
        [
            class("executions", "TURNLOOM_KEEP_EXECUTIONS_DAYS", executions, sliced(EXECUTIONS)),
            class("notes", "TURNLOOM_KEEP_NOTES_DAYS", notes, sliced(NOTES)),
            class("dead_letters", "TURNLOOM_KEEP_DEAD_LETTERS_DAYS", dead_letters, rows(&rows::RETRIED)),
            class(
                "open_dead_letters",
                "TURNLOOM_KEEP_OPEN_DEAD_LETTERS_DAYS",
                open_dead_letters,
                rows(&rows::OPEN),
            ),
            class("message_keys", "TURNLOOM_DEDUPLICATION_DAYS", message_keys, sliced(MESSAGE_KEYS)),
            class("outbox", "", Keep::days(rows::OUTBOX_DAYS), rows(&rows::OUTBOX)),
            class("conversations", "", Keep::FOREVER, rows(&rows::CONVERSATIONS)),
        ]
    }
}

/// What is gone since the first look.
fn went(before: &v1::RetentionClass, after: &v1::RetentionClass) -> (u32, u64) {
    let slices = before.due.len().saturating_sub(after.due.len());
    (u32::try_from(slices).unwrap_or(u32::MAX), before.due_rows.saturating_sub(after.due_rows))
}

async fn look(client: &Client, class: &Class, now_ms: i64) -> Result<v1::RetentionClass, Error> {
    let since_ms = class.keep.since_ms(now_ms);
    let known = v1::RetentionClass {
        name: class.name.to_owned(),
        setting: class.setting.to_owned(),
        keep_days: class.keep.in_days(),
        kept_since_ms: kept_since_ms(client, class.name).await?,
        ..v1::RetentionClass::default()
    };
    match class.held {
        Held::Rows(rows) => rows.look(client, class.keep, since_ms, known).await,
        Held::Sliced(sliced) => {
            let all = sliced.all(client).await?;
            let first_kept = since_ms.map(|since_ms| sliced.slice_of(since_ms));
            let due = || all.iter().filter(|slice| first_kept.is_some_and(|first| slice.number < first));
            let ends_ms = all.first().map(|oldest| sliced.begin_ms(oldest.number + 1));
            Ok(v1::RetentionClass {
                slices: Some(u32::try_from(all.len()).unwrap_or(u32::MAX)),
                rows: all.iter().map(|slice| slice.rows).sum(),
                bytes: all.iter().map(|slice| slice.bytes).sum(),
                oldest_ms: all.first().map(|oldest| sliced.begin_ms(oldest.number)),
                next_due_ms: ends_ms.zip(class.keep.ms()).map(|(ends_ms, keep_ms)| ends_ms + keep_ms),
                due: due().map(|slice| sliced.name(slice.number)).collect(),
                due_rows: due().map(|slice| slice.rows).sum(),
                ..known
            })
        }
    }
}

async fn apply(client: &mut Client, class: &Class, now_ms: i64, deadline: Instant) -> Result<(), Error> {
    let Some(since_ms) = class.keep.since_ms(now_ms) else { return Ok(()) };
    let sliced = match class.held {
        Held::Rows(rows) => return rows.remove(client, since_ms).await,
        Held::Sliced(sliced) => sliced,
    };
    let first_kept = sliced.slice_of(since_ms);
    for slice in sliced.all(client).await?.iter().filter(|slice| slice.number < first_kept) {
        while drop_slice(client, class.name, sliced, slice.number).await? == Outcome::InUse {
            if Instant::now() + TRY_EVERY > deadline {
                tracing::info!(class = class.name, "what is over its time is in use; it is dropped later");
                return Ok(());
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }
    Ok(())
}

async fn drop_slice(
    client: &mut Client,
    class: &'static str,
    sliced: Sliced,
    slice: i64,
) -> Result<Outcome, Error> {
    let dropped = if sliced == EXECUTIONS {
        executions::drop_slice(client, class, slice).await
    } else {
        drop_alone(client, class, sliced, slice).await
    };
    match dropped {
        Err(error) if slices::is_in_use(&error) => Ok(Outcome::InUse),
        other => other,
    }
}

/// Drops a slice that nothing else goes with.
async fn drop_alone(
    client: &mut Client,
    class: &'static str,
    sliced: Sliced,
    slice: i64,
) -> Result<Outcome, Error> {
    let transaction = client.transaction().await?;
    if !slices::begin_dropping(&transaction, sliced).await? {
        return Ok(Outcome::InUse);
    }
    if sliced.lock(&transaction, slice).await? {
        sliced.drop(&transaction, slice).await?;
        note(&transaction, class, sliced.begin_ms(slice + 1)).await?;
        transaction.commit().await?;
    }
    Ok(Outcome::Gone)
}

/// Notes since when a class is kept.
async fn note(
    transaction: &tokio_postgres::Transaction<'_>,
    class: &'static str,
    since_ms: i64,
) -> Result<(), Error> {
    transaction
        .execute(
            "INSERT INTO retention AS stored (class, kept_since) VALUES ($1, $2)
             ON CONFLICT (class) DO UPDATE SET kept_since = GREATEST(stored.kept_since, EXCLUDED.kept_since)",
            &[&class, &time(since_ms)],
        )
        .await?;
    Ok(())
}

async fn kept_since_ms(client: &Client, class: &str) -> Result<Option<i64>, Error> {
    let row = client.query_opt("SELECT kept_since FROM retention WHERE class = $1", &[&class]).await?;
    Ok(row.map(|row| row.get::<_, chrono::DateTime<chrono::Utc>>(0).timestamp_millis()))
}
