//! Removing what is kept by UTC day of times whose slices are dropped: in pieces, behind the drop.
//!
//! Nobody reads those rows any more, since a drop moves `kept_since` and sums of days begin there. So they need not go under the locks of
//! a drop, which others wait for, and the tables need no slices: a day has a row for each workflow and channel, or for each day of a time
//! before, where a quarter has one for each customer. Rows that others have are left for the next round.

use chrono::{DateTime, Utc};
use flow_rollup::Day;
use flow_rollup::day::day_of;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// Rows of a piece.
const ROWS_MAX: i64 = 5000;
/// The class under which `retention` says up to when visitors are looked through.
const VISITORS: &str = "visitors";

/// Removes what is over its time. Cheap when nothing is.
pub(super) async fn forget(client: &Client, numbers: &str) -> Result<(), Error> {
    let since = "SELECT kept_since FROM retention WHERE class = $1";
    let Some(row) = client.query_opt(since, &[&numbers]).await? else { return Ok(()) };
    let kept_since: DateTime<Utc> = row.get(0);
    let first = day_of(kept_since.timestamp_millis());
    while client.execute(DAYS, &[&kept_since, &ROWS_MAX]).await? > 0 {}
    while client.execute(RETURNS, &[&first, &ROWS_MAX]).await? > 0 {}
    let looked = client.query_opt(since, &[&VISITORS]).await?;
    if looked.is_none_or(|row| row.get::<_, DateTime<Utc>>(0) < kept_since) {
        look_through_visitors(client, first).await?;
        client.execute(LOOKED, &[&VISITORS, &kept_since]).await?;
    }
    Ok(())
}

/// Removes those who were not there any more since this day, from the first to the last.
async fn look_through_visitors(client: &Client, first: Day) -> Result<(), Error> {
    let mut after = (Uuid::nil(), Uuid::nil());
    loop {
        let last = client.query_opt(LAST_OF_PIECE, &[&after.0, &after.1, &(ROWS_MAX - 1)]).await?;
        let until = last.map_or((Uuid::max(), Uuid::max()), |row| (row.get(0), row.get(1)));
        client.execute(GONE, &[&after.0, &after.1, &until.0, &until.1, &first]).await?;
        if until == (Uuid::max(), Uuid::max()) {
            return Ok(());
        }
        after = until;
    }
}

const DAYS: &str = "DELETE FROM rollups_by_day WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM rollups_by_day WHERE day < $1 ORDER BY day LIMIT $2 FOR UPDATE SKIP LOCKED))";

const RETURNS: &str = "DELETE FROM returns WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM returns WHERE day < $1 ORDER BY day LIMIT $2 FOR UPDATE SKIP LOCKED))";

const LAST_OF_PIECE: &str =
    "SELECT workflow_id, customer FROM visitors WHERE (workflow_id, customer) > ($1, $2)
    ORDER BY workflow_id, customer OFFSET $3 LIMIT 1";

const GONE: &str = "DELETE FROM visitors WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM visitors WHERE (workflow_id, customer) > ($1, $2) AND (workflow_id, customer) <= ($3, $4)
        AND days[cardinality(days)] < $5 FOR UPDATE SKIP LOCKED))";

const LOOKED: &str = "INSERT INTO retention AS stored (class, kept_since) VALUES ($1, $2)
    ON CONFLICT (class) DO UPDATE SET kept_since = GREATEST(stored.kept_since, EXCLUDED.kept_since)";
