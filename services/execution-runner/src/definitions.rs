//! Where compiled revisions come from: the KV bucket, and the catalog itself when the bucket has none.

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use bus::rpc::CallError;
use contracts::{ErrorCode, subject, v1};
use flow_engine::Graph;
use flow_model::workflow::Configuration;
use flow_model::{Channel, WorkflowId};

use crate::partition::flow::Flow;
use crate::partition::port::{Definitions, Unavailable};

/// How long the catalog may take.
const CATALOG_DEADLINE: Duration = Duration::from_secs(3);

/// Fetches and compiles revisions. Keeps nothing: the partition loop does.
pub struct BusDefinitions {
    bus: Bus,
}

impl BusDefinitions {
    /// Definitions over this connection.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    async fn fetch(
        &self,
        workflow: WorkflowId,
        revision: u32,
    ) -> Result<Option<v1::Definition>, Unavailable> {
        match self.bus.definitions().get(workflow, revision).await {
            Ok(Some(definition)) => return Ok(Some(definition)),
            Ok(None) => {}
            Err(error) => return Err(Unavailable(error.to_string())),
        }
        let request = v1::GetDefinitionRequest { workflow_id: workflow.to_vec().into(), revision };
        let answer = self
            .bus
            .rpc()
            .call::<_, v1::Definition>(subject::catalog::DEFINITION, &request, CATALOG_DEADLINE)
            .await;
        match answer {
            Ok(definition) => Ok(Some(definition)),
            Err(CallError::Refused(failure)) if failure.error_code() == ErrorCode::WorkflowNotFound => {
                Ok(None)
            }
            Err(error) => Err(Unavailable(error.to_string())),
        }
    }
}

impl Definitions for BusDefinitions {
    async fn flow(&self, workflow: WorkflowId, revision: u32) -> Result<Option<Arc<Flow>>, Unavailable> {
        let Some(definition) = self.fetch(workflow, revision).await? else { return Ok(None) };
        // Parsing expressions wants a deep stack and some time: not on a thread of the runtime.
        let compiled = tokio::task::spawn_blocking(move || compile(&definition)).await;
        match compiled {
            Ok(Ok(flow)) => Ok(Some(Arc::new(flow))),
            Ok(Err(error)) => {
                tracing::error!(%workflow, revision, error, "a stored revision cannot be compiled");
                Ok(None)
            }
            Err(error) => {
                tracing::error!(%workflow, revision, %error, "compiling a revision failed");
                Ok(None)
            }
        }
    }
}

fn compile(definition: &v1::Definition) -> Result<Flow, String> {
    let channel: Channel = definition.channel.parse().map_err(|_| "unknown channel".to_owned())?;
    let document =
        serde_json::from_slice(&definition.configuration_json).map_err(|error| error.to_string())?;
    let configuration = Configuration::load(&document, channel).map_err(|problems| {
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ")
    })?;
    let graph = Graph::compile(&configuration).map_err(|error| error.to_string())?;
    Ok(Flow { graph, wait_timeout_ms: configuration.wait_timeout_ms })
}
