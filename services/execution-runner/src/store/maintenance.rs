//! What is tidied up beside the turns: slices for the days to come, and what has outlived its time.

use pg::{PgConfig, Unavailable};

use super::SCHEMA;
use super::load::deduplication_ms;
use super::slices::{self, Sliced, Slices};

/// Slices made ahead.
const SLICES_AHEAD: i64 = 2;
/// Published outbox rows are kept so long, so that they can be published again.
const OUTBOX_HOURS: i32 = 72;
/// Dead letters that were tried again are kept so long, for those who want to know what it was.
const RETRIED_LETTERS_DAYS: i32 = 30;
/// Outbox rows removed at once.
const OUTBOX_ROWS_MAX: i64 = 10_000;

/// The tidying of one runner; several do no harm.
#[derive(Debug, Clone)]
pub struct Maintenance {
    config: PgConfig,
    deduplication_days: u32,
}

/// Tidying failed; the next round tries again.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A statement failed.
    #[error("a statement failed")]
    Database(#[from] tokio_postgres::Error),
}

impl Maintenance {
    /// Message keys are kept for `deduplication_days` at least.
    pub fn new(config: PgConfig, deduplication_days: u32) -> Self {
        Self { config, deduplication_days }
    }

    /// One round, as of `now_ms`.
    pub async fn run_once(&self, now_ms: i64) -> Result<(), MaintenanceError> {
        let client = pg::raw::connect(&self.config, SCHEMA).await?;
        let mut slices = Slices::default();
        for sliced in [Sliced::Executions, Sliced::MessageKeys, Sliced::Notes] {
            let ahead = (0..=SLICES_AHEAD).map(|n| now_ms + n * sliced.width_ms());
            slices.ensure(&client, sliced, ahead).await?;
        }
        self.drop_message_keys(&client, now_ms).await?;
        client
            .execute(
                "DELETE FROM outbox WHERE (partition, commit_no) IN (SELECT partition, commit_no FROM outbox
                 WHERE closed_at < now() - make_interval(hours => $1) LIMIT $2)",
                &[&OUTBOX_HOURS, &OUTBOX_ROWS_MAX],
            )
            .await?;
        client
            .execute(
                "DELETE FROM dead_letters WHERE retried_at < now() - make_interval(days => $1)",
                &[&RETRIED_LETTERS_DAYS],
            )
            .await?;
        // A marker that a later one has superseded at every cursor is of no use any more.
        client
            .execute(
                "DELETE FROM catalog_markers AS old USING catalog_markers AS newer
                 WHERE newer.grp = old.grp AND newer.workflow_id = old.workflow_id AND newer.state_no > old.state_no
                 AND newer.seq <= (SELECT min(CASE WHEN incarnation = newer.incarnation THEN applied_seq ELSE 0 END)
                                   FROM partitions WHERE grp = old.grp)",
                &[],
            )
            .await?;
        Ok(())
    }

    /// Drops slices of message keys that hold nothing young enough to count.
    async fn drop_message_keys(
        &self,
        client: &tokio_postgres::Client,
        now_ms: i64,
    ) -> Result<(), tokio_postgres::Error> {
        let sliced = Sliced::MessageKeys;
        let oldest_kept = sliced.slice_of(now_ms - deduplication_ms(self.deduplication_days));
        let rows = client
            .query(
                "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
                 WHERE inhparent = 'message_keys'::regclass",
                &[],
            )
            .await?;
        for row in rows {
            let name: String = row.get(0);
            let slice = name.strip_prefix("message_keys_").and_then(|number| number.parse::<i64>().ok());
            if slice.is_some_and(|slice| slice < oldest_kept && name == slices::name(sliced, slice)) {
                client.batch_execute(&format!("DROP TABLE {name}")).await?;
            }
        }
        Ok(())
    }
}
