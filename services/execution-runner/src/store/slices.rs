//! Tables that are cut by time: a day of executions, thirty days of message keys and of notes.
//!
//! A slice is made before the first row that needs it, in a transaction of its own; a row of any time finds one.

use std::collections::HashSet;

use tokio_postgres::{Client, Error};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days in one slice of message keys and notes: a look-up of 30 days meets two slices.
const LONG_SLICE_DAYS: i64 = 30;
/// The lock under which slices are made; an arbitrary number that nothing else locks.
const SLICE_LOCK: i64 = 0x736c_6963_6573;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sliced {
    /// By day.
    Executions,
    /// By thirty days.
    MessageKeys,
    /// By thirty days.
    Notes,
}

impl Sliced {
    pub fn table(self) -> &'static str {
        match self {
            Self::Executions => "executions",
            Self::MessageKeys => "message_keys",
            Self::Notes => "conversation_notes",
        }
    }

    pub fn width_ms(self) -> i64 {
        match self {
            Self::Executions => DAY_MS,
            Self::MessageKeys | Self::Notes => DAY_MS * LONG_SLICE_DAYS,
        }
    }

    /// The number of the slice that a time falls in.
    pub fn slice_of(self, ms: i64) -> i64 {
        ms.div_euclid(self.width_ms())
    }
}

/// Slices that are known to exist.
#[derive(Debug, Default)]
pub(super) struct Slices {
    known: HashSet<(Sliced, i64)>,
}

impl Slices {
    /// Makes the slices that these times need.
    pub async fn ensure(
        &mut self,
        client: &Client,
        sliced: Sliced,
        times_ms: impl Iterator<Item = i64>,
    ) -> Result<(), Error> {
        let missing: HashSet<i64> = times_ms
            .map(|ms| sliced.slice_of(ms))
            .filter(|slice| !self.known.contains(&(sliced, *slice)))
            .collect();
        for slice in missing {
            make(client, sliced, slice).await?;
            self.known.insert((sliced, slice));
        }
        Ok(())
    }
}

async fn make(client: &Client, sliced: Sliced, slice: i64) -> Result<(), Error> {
    let table = sliced.table();
    let name = name(sliced, slice);
    let (from, to) = (slice * sliced.width_ms() / 1000, (slice + 1) * sliced.width_ms() / 1000);
    // In one transaction, so that runners that need the same slice at once wait for each other.
    client
        .batch_execute(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock({SLICE_LOCK}); \
             CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} \
             FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({to})); COMMIT"
        ))
        .await
}

/// The name of a slice's table, such as `executions_20415`.
pub(super) fn name(sliced: Sliced, slice: i64) -> String {
    format!("{}_{slice}", sliced.table()).replace('-', "minus")
}
