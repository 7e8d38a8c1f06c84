//! Classes that are rows among others: few, or removed by the thousand as fast as they come.

use chrono::{DateTime, Utc};
use contracts::v1;
use platform::keep::Keep;
use tokio_postgres::{Client, Error};

use crate::store::code::{count, time};

/// Rows removed in one transaction.
const ROWS_MAX: u32 = 10_000;
/// Transactions of one round: a flood is removed as fast as it comes, and no round takes for ever.
const PARTS_MAX: u32 = 60;
/// Published outbox rows are kept so long, so that they can be published again.
pub(super) const OUTBOX_DAYS: u32 = 3;

/// Rows of a table that are over their time when a column of theirs is.
pub(super) struct Rows {
    table: &'static str,
    /// What tells one row from another.
    key: &'static str,
    /// When its time begins.
    since: &'static str,
    /// Which of the rows; all of them when it is empty. Those are counted, since they are few.
    which: &'static str,
    /// Which of those that are over their time may go.
    may_go: &'static str,
}

/// Dead letters that were tried again; kept for those who want to know what it was.
pub(super) const RETRIED: Rows = Rows {
    table: "dead_letters",
    key: "id",
    since: "retried_at",
    which: "retried_at IS NOT NULL",
    may_go: "TRUE",
};
/// Dead letters that were not.
pub(super) const OPEN: Rows = Rows {
    table: "dead_letters",
    key: "id",
    since: "created_at",
    which: "retried_at IS NULL",
    may_go: "TRUE",
};
/// What commits had to tell, when it is told.
pub(super) const OUTBOX: Rows =
    Rows { table: "outbox", key: "partition, commit_no", since: "created_at", which: "", may_go: TOLD };
const TOLD: &str = "commit_no <= (SELECT told_no FROM partitions WHERE id = outbox.partition)";
/// Conversations stay, with what they wait for and their numbers, until somebody erases them.
pub(super) const CONVERSATIONS: Rows =
    Rows { table: "conversations", key: "id", since: "created_at", which: "", may_go: "TRUE" };

impl Rows {
    /// Completes what is known of the class.
    pub async fn look(
        &self,
        client: &Client,
        keep: Keep,
        since_ms: Option<i64>,
        known: v1::RetentionClass,
    ) -> Result<v1::RetentionClass, Error> {
        let Self { table, since, which, .. } = self;
        if which.is_empty() {
            return self.estimate(client, known).await;
        }
        let row = client
            .query_one(
                &format!(
                    "SELECT count(*), COALESCE(sum(octet_length(payload) + octet_length(error)), 0)::bigint, min({since}),
                         count(*) FILTER (WHERE {since} < $1) FROM {table} WHERE {which}"
                ),
                &[&since_ms.map(time)],
            )
            .await?;
        let oldest_ms = row.get::<_, Option<DateTime<Utc>>>(2).map(|oldest| oldest.timestamp_millis());
        Ok(v1::RetentionClass {
            rows: count(row.get(0)),
            bytes: count(row.get(1)),
            oldest_ms,
            next_due_ms: oldest_ms.zip(keep.ms()).map(|(oldest_ms, keep_ms)| oldest_ms + keep_ms),
            due_rows: count(row.get(3)),
            ..known
        })
    }

    /// Large tables are not counted.
    async fn estimate(
        &self,
        client: &Client,
        known: v1::RetentionClass,
    ) -> Result<v1::RetentionClass, Error> {
        let row = client
            .query_one(
                "SELECT GREATEST(reltuples, 0)::bigint, pg_total_relation_size(oid) FROM pg_class
                 WHERE oid = $1::text::regclass",
                &[&self.table],
            )
            .await?;
        Ok(v1::RetentionClass { rows: count(row.get(0)), bytes: count(row.get(1)), ..known })
    }

    /// Removes what is over its time.
    pub async fn remove(&self, client: &Client, since_ms: i64) -> Result<(), Error> {
        let Self { table, key, since, which, may_go } = self;
        let which = if which.is_empty() { "TRUE" } else { which };
        let remove = format!(
            "DELETE FROM {table} WHERE ({key}) IN
             (SELECT {key} FROM {table} WHERE {which} AND {since} < $1 AND {may_go} LIMIT {ROWS_MAX})"
        );
        for _ in 0..PARTS_MAX {
            if client.execute(&remove, &[&time(since_ms)]).await? < u64::from(ROWS_MAX) {
                break;
            }
        }
        Ok(())
    }
}
