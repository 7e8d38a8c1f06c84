//! Telling again what was committed and perhaps not told: after a crash, an outage, or a broker that lost its data.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use contracts::ErrorCode;
use contracts::v1::Failure;
use flow_model::WorkflowId;
use platform::clock;
use platform::lifecycle::Shutdown;
use uuid::Uuid;

use super::announce::Announcer;
use super::failure;

/// Pause between two looks.
const EVERY: Duration = Duration::from_secs(3);
/// A change younger than this is still being told by the request that made it.
const SETTLE: TimeDelta = TimeDelta::seconds(2);
/// Workflows that are looked up at once; the next ones follow as soon as these are told, or cannot be.
const ROWS_MAX: i64 = 100;

/// Looks and tells until the stop is asked for.
pub(crate) async fn run(announcer: Arc<Announcer>, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        if let Err(failure) = round(&announcer, &shutdown).await {
            tracing::debug!(code = failure.code, details = failure.details, "the repair has to wait");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.requested() => {}
        }
    }
}

/// Tells all that there is to tell, by their ids, so that any number of workflows that cannot be told hides none behind them.
async fn round(announcer: &Announcer, shutdown: &Shutdown) -> Result<(), Failure> {
    let mut last = Some(WorkflowId::new(Uuid::nil()));
    while let Some(after) = last.filter(|_| !shutdown.is_requested()) {
        last = tell_next(announcer, after).await?;
    }
    Ok(())
}

/// Tells the next ones, and gives the last of them.
async fn tell_next(announcer: &Announcer, after: WorkflowId) -> Result<Option<WorkflowId>, Failure> {
    let incarnation = announcer.incarnation().await?;
    let before = clock::now() - SETTLE;
    let store = announcer.store();
    let found = store.to_announce(incarnation, before, after, ROWS_MAX).await;
    let found = found.map_err(|error| failure(&error))?;
    for workflow in &found {
        let id = workflow.workflow_id();
        match announcer.announce(id).await {
            Ok(()) => {
                tracing::info!(workflow = %id, "runners were told of a state again");
                metrics::counter!("turnloom_catalog_repairs_total").increment(1);
            }
            Err(failure) if failure.error_code() == ErrorCode::ServiceUnavailable => return Err(failure),
            // One that cannot be told must not keep the others from being told.
            Err(failure) => tracing::error!(workflow = %id, code = failure.code, "a state cannot be told"),
        }
    }
    Ok(found.last().map(|last| last.workflow_id()))
}
