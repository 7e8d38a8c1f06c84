//! What the aggregator asks the execution runners.

use std::collections::HashMap;
use std::time::Duration;

use bus::Bus;
use bus::rpc::CallError;
use contracts::subject::runner;
use contracts::v1;
use flow_rollup::Place;

/// A runner that takes longer is too slow.
const DEADLINE: Duration = Duration::from_secs(5);

/// The class of executions, in what runners tell of retention.
const EXECUTIONS: &str = "executions";

/// Asks any of them.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    bus: Bus,
}

impl Runner {
    /// Over this connection.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// The last commit of each partition that has one.
    pub async fn commits(&self) -> Result<HashMap<u32, u64>, CallError> {
        let response: v1::CommitsResponse =
            self.bus.rpc().call(runner::COMMITS, &v1::CommitsRequest {}, DEADLINE).await?;
        Ok(response.commits.into_iter().map(|commit| (commit.partition, commit.commit_no)).collect())
    }

    /// Events of a partition after a place and before a commit, as many as fit into an answer.
    pub async fn events(
        &self,
        partition: u32,
        after: Place,
        before: u64,
    ) -> Result<v1::CommitEventsResponse, CallError> {
        let request = v1::CommitEventsRequest {
            partition,
            after_commit_no: after.commit_no,
            after_index: after.index,
            before_commit_no: before,
        };
        self.bus.rpc().call(runner::COMMIT_EVENTS, &request, DEADLINE).await
    }

    /// Since when executions are kept, Unix milliseconds: those of earlier days were dropped.
    pub async fn kept_since_ms(&self) -> Result<i64, CallError> {
        let response: v1::RetentionResponse =
            self.bus.rpc().call(runner::RETENTION, &v1::RetentionRequest::default(), DEADLINE).await?;
        let executions = response.classes.iter().find(|class| class.name == EXECUTIONS);
        Ok(executions.and_then(|class| class.kept_since_ms).unwrap_or(0))
    }

    /// A page of executions.
    pub async fn executions(
        &self,
        request: &v1::ListExecutionsRequest,
    ) -> Result<v1::ListExecutionsResponse, CallError> {
        self.bus.rpc().call(runner::LIST_EXECUTIONS, request, DEADLINE).await
    }
}
