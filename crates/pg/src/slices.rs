//! Tables that are cut by time: slices are made before their first row, and dropped as a whole when their time is over.
//!
//! Neither makes others wait. A slice is made as a table of its own and then attached, which takes no lock that a reader or
//! writer of the table meets. Dropping one needs the whole table for some milliseconds ([`lock`]): that is waited for so
//! shortly that those who come meanwhile hardly notice, and then it is given up, to be tried again. Which tables there are,
//! and what else has to go with a slice, is known to their owners.
//!
//! Services are not the owners of their tables at run time. What takes an owner is in three functions of their schema, which a migration
//! makes and which run as the owner, for their own sliced tables only: `make_slice`, `lock_slice`, `drop_slice`.
//!
//! [`lock`]: Sliced::lock

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Transaction};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The first half of the locks under which slices are dropped, one for each table; arbitrary, too.
const DROPPING_LOCK: i32 = 0x736c_6963;
/// How long a lock is waited for, in milliseconds: others who want the table wait as long behind it.
const LOCK_WAIT_MS: u32 = 50;

/// A table that is cut by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sliced {
    table: &'static str,
    days: i64,
}

/// A slice that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Its number: how many widths after the epoch it begins.
    pub number: i64,
    /// Its rows, as the database estimates.
    pub rows: u64,
    /// What it takes on disk, indexes included.
    pub bytes: u64,
}

impl Sliced {
    /// The table of this name, cut into slices of so many days. It is partitioned by ranges of a `timestamptz`.
    #[must_use]
    pub const fn new(table: &'static str, days: u16) -> Self {
        Self { table, days: days as i64 }
    }

    /// The table's name.
    #[must_use]
    pub fn table(self) -> &'static str {
        self.table
    }

    /// The width of a slice in milliseconds.
    #[must_use]
    pub fn width_ms(self) -> i64 {
        self.days * DAY_MS
    }

    /// The number of the slice that a time falls in, Unix milliseconds.
    #[must_use]
    pub fn slice_of(self, ms: i64) -> i64 {
        ms.div_euclid(self.width_ms())
    }

    /// When a slice begins, Unix milliseconds; it ends where the next one begins.
    #[must_use]
    pub fn begin_ms(self, slice: i64) -> i64 {
        slice * self.width_ms()
    }

    /// The name of a slice's table, such as `executions_20415`.
    #[must_use]
    pub fn name(self, slice: i64) -> String {
        format!("{}_{slice}", self.table).replace('-', "minus")
    }

    /// The statement that makes a slice if there is none; those who need the same slice at once wait for each other.
    #[must_use]
    pub fn making(self, slice: i64) -> String {
        format!("SELECT make_slice('{}', {slice})", self.table)
    }

    /// All slices, oldest first.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn all(self, client: &Client) -> Result<Vec<Slice>, Error> {
        let rows = client
            .query(
                "SELECT child.relname::text, GREATEST(child.reltuples, 0)::bigint,
                     COALESCE(pg_total_relation_size(child.oid), 0)::bigint
                 FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = $1::text::regclass",
                &[&self.table],
            )
            .await?;
        let big = |number: i64| u64::try_from(number).unwrap_or(0);
        let slice = |row: &tokio_postgres::Row| {
            let number = self.number(row.get(0))?;
            Some(Slice { number, rows: big(row.get(1)), bytes: big(row.get(2)) })
        };
        let mut slices: Vec<Slice> = rows.iter().filter_map(slice).collect();
        slices.sort_by_key(|slice| slice.number);
        Ok(slices)
    }

    /// The number in a slice's name; none for a table that only looks like one.
    fn number(self, name: &str) -> Option<i64> {
        let number = name.strip_prefix(self.table)?.strip_prefix('_')?.replace("minus", "-").parse().ok()?;
        (self.name(number) == name).then_some(number)
    }

    /// Locks the table, and with it a slice that is to be dropped, until the transaction ends. False when there is no such slice.
    ///
    /// # Errors
    /// One that [`is_in_use`], when others have it for longer than is waited for; the transaction is over then.
    pub async fn lock(self, transaction: &Transaction<'_>, slice: i64) -> Result<bool, Error> {
        let row = transaction.query_one("SELECT lock_slice($1, $2)", &[&self.table, &slice]).await?;
        Ok(row.get(0))
    }

    /// Drops a slice that is locked. Its files are removed after the commit, when nobody waits any more.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn drop(self, transaction: &Transaction<'_>, slice: i64) -> Result<(), Error> {
        transaction.execute("SELECT drop_slice($1, $2)", &[&self.table, &slice]).await.map(|_| ())
    }
}

/// Prepares a transaction that is to drop slices of a table: it waits for no lock longer than others can bear. False when
/// another one is at it.
///
/// # Errors
/// When a statement fails.
pub async fn begin_dropping(transaction: &Transaction<'_>, sliced: Sliced) -> Result<bool, Error> {
    transaction.batch_execute(&format!("SET LOCAL lock_timeout = {LOCK_WAIT_MS}")).await?;
    let mine = transaction
        .query_one(
            "SELECT pg_try_advisory_xact_lock($1, $2::text::regclass::oid::int)",
            &[&DROPPING_LOCK, &sliced.table()],
        )
        .await?;
    Ok(mine.get(0))
}

/// Whether a statement gave up since others had what it wanted for too long.
#[must_use]
pub fn is_in_use(error: &Error) -> bool {
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED]
        .iter()
        .any(|state| error.code() == Some(state))
}

/// Whether a row found no slice: it was dropped since somebody looked, and has to be made again.
#[must_use]
pub fn has_no_slice(error: &Error) -> bool {
    // The state is that of a check; a check has a name.
    error.code() == Some(&SqlState::CHECK_VIOLATION)
        && error.as_db_error().is_some_and(|error| error.constraint().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: Sliced = Sliced::new("visits", 1);
    const MONTHS: Sliced = Sliced::new("visits", 30);

    #[test]
    fn a_time_falls_into_the_slice_that_it_lies_in() {
        for (sliced, ms, slice) in
            [(DAYS, 0, 0), (DAYS, DAY_MS - 1, 0), (DAYS, DAY_MS, 1), (DAYS, -1, -1), (MONTHS, 31 * DAY_MS, 1)]
        {
            assert_eq!(sliced.slice_of(ms), slice);
            assert!(sliced.begin_ms(slice) <= ms && ms < sliced.begin_ms(slice + 1));
        }
    }

    #[test]
    fn only_names_of_slices_are_taken_for_some() {
        for slice in [-3, 0, 20_415] {
            assert_eq!(DAYS.number(&DAYS.name(slice)), Some(slice));
        }
        for other in ["visits", "visits_", "visits_old", "visits_1_old", "visits_01", "revisits_1"] {
            assert_eq!(DAYS.number(other), None, "{other}");
        }
    }
}
