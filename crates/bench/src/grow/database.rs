//! The product's database, as only the bench sees it: all services' tables over one connection.

use std::time::Duration;

use anyhow::Context;
use pg::PgConfig;
use tokio_postgres::Client;

use crate::progress;

/// A statement that takes longer hangs.
const STATEMENT_DEADLINE: Duration = Duration::from_mins(10);
/// The schema that names without one are looked for in.
const SCHEMA: &str = "runner";
/// The lock under which runners make slices.
const SLICE_LOCK: i64 = 0x736c_6963_6573;

/// Connects.
pub(super) async fn connect(url: &str) -> anyhow::Result<Client> {
    let database_timeout_ms = u64::try_from(STATEMENT_DEADLINE.as_millis()).unwrap_or(u64::MAX);
    let config = PgConfig { database_timeout_ms, ..PgConfig::for_url(url) };
    let client = pg::raw::connect(&config, SCHEMA).await?;
    // What is filled in may be lost with the machine; work memory is for the sums over everything at the end.
    let settings =
        "SET timezone = 'UTC'; SET synchronous_commit = off; SET work_mem = '128MB'; SET jit = off";
    client.batch_execute(settings).await?;
    Ok(client)
}

/// Lets the server write as it likes while it is filled: what is filled in may be lost with the machine, and whoever vacuums
/// tables that grow does it again and again.
pub(super) async fn relax(client: &Client) -> anyhow::Result<()> {
    for setting in RELAXED {
        client.execute(&format!("ALTER SYSTEM SET {setting}"), &[]).await.context(setting)?;
    }
    client.execute("SELECT pg_reload_conf()", &[]).await.context("settings of the server")?;
    Ok(())
}

/// Settings for filling. Full images of pages and syncs are most of what is written then.
const RELAXED: [&str; 5] = [
    "fsync = off",
    "full_page_writes = off",
    "autovacuum = off",
    "max_wal_size = '8GB'",
    "checkpoint_timeout = '30min'",
];

/// How many days a slice of a table has: as many as one that the runner has made.
pub(super) async fn slice_days(client: &Client, table: &str) -> anyhow::Result<i64> {
    let rows = client.query(SLICE_DAYS, &[&table]).await.context("the slices")?;
    let row = rows.first().with_context(|| format!("{table} has no slices yet"))?;
    row.try_get::<_, Option<i64>>(0)?.with_context(|| format!("the slices of {table} are not understood"))
}

const SLICE_DAYS: &str = r"SELECT (extract(epoch FROM bound[2]::timestamptz - bound[1]::timestamptz) / 86400)::bigint
FROM (SELECT regexp_match(pg_get_expr(relpartbound, oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS bound
    FROM pg_class WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::text::regclass)) AS bounds LIMIT 1";

/// Makes a slice of a table as the runner does: the one of this number, counted from 1970, of so many days.
pub(super) async fn make_slice(client: &Client, table: &str, slice: i64, days: i64) -> anyhow::Result<()> {
    let seconds = |slice: i64| slice * days * 24 * 60 * 60;
    let made = client
        .batch_execute(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock({SLICE_LOCK}); \
             CREATE TABLE IF NOT EXISTS {table}_{slice} PARTITION OF {table} \
             FOR VALUES FROM (to_timestamp({})) TO (to_timestamp({})); COMMIT",
            seconds(slice),
            seconds(slice + 1)
        ))
        .await;
    made.with_context(|| format!("the slice {slice} of {table}"))
}

/// What autovacuum and checkpoints would do in the course of a year. From here on the server writes as it was started to.
pub(super) async fn settle(client: &Client) -> anyhow::Result<()> {
    progress::say("grow: VACUUM, ANALYZE and CHECKPOINT");
    client.execute("ALTER SYSTEM RESET ALL", &[]).await.context("settings of the server")?;
    client.execute("SELECT pg_reload_conf()", &[]).await.context("settings of the server")?;
    client.batch_execute("VACUUM ANALYZE").await.context("VACUUM ANALYZE")?;
    client.batch_execute("CHECKPOINT").await.context("CHECKPOINT")
}
