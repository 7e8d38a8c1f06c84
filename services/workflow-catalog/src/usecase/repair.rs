//! Telling again what was committed and perhaps not told: after a crash, an outage, or a broker that lost its data.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use contracts::ErrorCode;
use contracts::v1::Failure;
use platform::clock;
use platform::lifecycle::Shutdown;

use super::announce::Announcer;
use super::failure;

/// Pause between two looks.
const EVERY: Duration = Duration::from_secs(3);
/// A change younger than this is still being told by the request that made it.
const SETTLE: TimeDelta = TimeDelta::seconds(2);
/// Workflows told in one round; the next round follows at once when there may be more.
const ROWS_MAX: i64 = 100;

/// Looks and tells until the stop is asked for.
pub(crate) async fn run(announcer: Arc<Announcer>, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        let more = match round(&announcer).await {
            Ok(told) => told > 0,
            Err(failure) => {
                tracing::debug!(code = failure.code, details = failure.details, "the repair has to wait");
                false
            }
        };
        if !more {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.requested() => {}
            }
        }
    }
}

async fn round(announcer: &Announcer) -> Result<usize, Failure> {
    let incarnation = announcer.incarnation().await?;
    let before = clock::now() - SETTLE;
    let store = announcer.store();
    let found = store.to_announce(incarnation, before, ROWS_MAX).await.map_err(|error| failure(&error))?;
    let mut told = 0;
    for workflow in found {
        let id = workflow.workflow_id();
        match announcer.announce(id).await {
            Ok(()) => {
                told += 1;
                tracing::info!(workflow = %id, "runners were told of a state again");
                metrics::counter!("turnloom_catalog_repairs_total").increment(1);
            }
            Err(failure) if failure.error_code() == ErrorCode::ServiceUnavailable => return Err(failure),
            // One that cannot be told must not keep the others from being told.
            Err(failure) => tracing::error!(workflow = %id, code = failure.code, "a state cannot be told"),
        }
    }
    Ok(told)
}
