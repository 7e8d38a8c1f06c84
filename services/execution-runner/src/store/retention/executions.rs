//! A slice of executions goes with its counters, so that totals are what lists can be paged through.

use tokio_postgres::{Client, Error};

use super::{Outcome, note, untold};
use crate::store::code::time;
use crate::store::slices::EXECUTIONS;

/// Nobody waits for the bulk of the counters, however long it takes.
const PATIENCE_MS: u32 = 60_000;

const COUNTERS: &str = "DELETE FROM counters WHERE hour >= $1 AND hour < $2";

/// Drops a slice, unless somebody has the table, or something of that time is not told.
pub(super) async fn drop_slice(
    client: &mut Client,
    class: &'static str,
    slice: i64,
) -> Result<Outcome, Error> {
    let ends_ms = EXECUTIONS.begin_ms(slice + 1);
    let (from, to) = (time(EXECUTIONS.begin_ms(slice)), time(ends_ms));
    let transaction = client.transaction().await?;
    if !pg::slices::begin_dropping(&transaction, EXECUTIONS).await? {
        return Ok(Outcome::InUse);
    }
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = {PATIENCE_MS}")).await?;
    // Before the table is taken, since there may be many of them; nobody wants those of so long ago.
    transaction.execute(COUNTERS, &[&from, &to]).await?;
    if !EXECUTIONS.lock(&transaction, slice).await? {
        return Ok(Outcome::Gone);
    }
    if untold::starts_before(&transaction, ends_ms).await? {
        return Ok(Outcome::InUse);
    }
    // Those of an execution that ended meanwhile.
    transaction.execute(COUNTERS, &[&from, &to]).await?;
    EXECUTIONS.drop(&transaction, slice).await?;
    note(&transaction, class, ends_ms).await?;
    transaction.commit().await?;
    Ok(Outcome::Gone)
}
