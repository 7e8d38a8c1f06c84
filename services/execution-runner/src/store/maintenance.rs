//! What is tidied up beside the turns: slices for the time to come, and what has outlived its time.

use std::time::Duration;

use pg::{PgConfig, Unavailable};

use super::SCHEMA;
use super::retention::Retention;
use super::slices::{EXECUTIONS, MESSAGE_KEYS, NOTES, Slices};

/// Slices made ahead.
const SLICES_AHEAD: i64 = 2;

/// The tidying of one runner; several do no harm.
#[derive(Debug, Clone)]
pub struct Maintenance {
    config: PgConfig,
    retention: Retention,
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
    /// With what is kept how long.
    pub fn new(config: PgConfig, retention: Retention) -> Self {
        Self { config, retention }
    }

    /// One round, as of `now_ms`.
    pub async fn run_once(&self, now_ms: i64) -> Result<(), MaintenanceError> {
        let client = pg::raw::connect(&self.config, SCHEMA).await?;
        let mut slices = Slices::default();
        for sliced in [EXECUTIONS, MESSAGE_KEYS, NOTES] {
            let ahead = (0..=SLICES_AHEAD).map(|n| now_ms + n * sliced.width_ms());
            slices.ensure(&client, sliced, ahead).await?;
        }
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
        // Whoever has a table for long is not waited for: there is another round.
        self.retention.apply(now_ms, Duration::ZERO).await?;
        Ok(())
    }
}
