//! Erasing what is left of deleted workflows.
//!
//! A deleted workflow is gone from every endpoint at once. Its executions stay as long as events may be told again,
//! since these are made from them; then each service removes what it keeps, and last the catalog its own rows. Every
//! step may be done twice, and the rows are there until the last one is done: whatever is killed, the next round goes on.

use std::time::Duration;

use bus::Bus;
use chrono::TimeDelta;
use contracts::subject::{metrics, runner};
use contracts::v1;
use platform::clock;
use platform::lifecycle::Shutdown;

use crate::store::{Store, StoredWorkflow};

/// Pause between two looks.
const EVERY: Duration = Duration::from_secs(10);
/// Workflows erased in one round.
const WORKFLOWS_MAX: i64 = 20;
/// A service that takes longer for a part of the rows is too slow now.
const DEADLINE: Duration = Duration::from_secs(10);

/// Erases.
pub(crate) struct Eraser {
    bus: Bus,
    store: Store,
    after: TimeDelta,
}

impl Eraser {
    /// `after` a deletion.
    pub fn new(bus: Bus, store: Store, after: TimeDelta) -> Self {
        Self { bus, store, after }
    }

    /// Looks and erases until the stop is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        while !shutdown.is_requested() {
            if let Err(error) = self.round(&shutdown).await {
                tracing::warn!(%error, "deleted workflows are erased later");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.requested() => {}
            }
        }
    }

    async fn round(&self, shutdown: &Shutdown) -> anyhow::Result<()> {
        for workflow in self.store.to_erase(clock::now() - self.after, WORKFLOWS_MAX).await? {
            for service in [runner::ERASE_WORKFLOW, metrics::ERASE_WORKFLOW] {
                while !self.part(service, &workflow).await? {
                    if shutdown.is_requested() {
                        return Ok(());
                    }
                }
            }
            let id = workflow.workflow_id();
            for revision in 1..=u32::try_from(workflow.revision).unwrap_or(0) {
                self.bus.definitions().remove(id, revision).await?;
            }
            self.store.erase(id).await?;
            tracing::info!(workflow = %id, "a deleted workflow is erased");
        }
        Ok(())
    }

    /// Has a service remove a part; whether it has nothing left.
    async fn part(&self, service: &'static str, workflow: &StoredWorkflow) -> anyhow::Result<bool> {
        let request = v1::EraseWorkflowRequest {
            account_id: workflow.account().to_vec().into(),
            workflow_id: workflow.workflow_id().to_vec().into(),
        };
        let answer: v1::EraseWorkflowResponse = self.bus.rpc().call(service, &request, DEADLINE).await?;
        Ok(answer.done)
    }
}
