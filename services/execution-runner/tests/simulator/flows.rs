//! Two workflows: one that greets, one that asks and waits.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use contracts::v1::{self, WorkflowStatus};
use execution_runner::partition::flow::Flow;
use execution_runner::partition::port::{Definitions, Unavailable};
use flow_engine::Graph;
use flow_model::workflow::Configuration;
use flow_model::{AccountId, Channel, WorkflowId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::Handle;

pub const GREET: WorkflowId = WorkflowId::new(Uuid::from_u128(1));
pub const ASK: WorkflowId = WorkflowId::new(Uuid::from_u128(2));

static FLOWS: LazyLock<HashMap<WorkflowId, Arc<Flow>>> = LazyLock::new(|| {
    let greet = json!({
        "trigger": {"type": "message", "keywords": ["hello"]},
        "nodes": [
            {"id": "hi", "type": "message", "content": "Hi {{ customer.id }}", "next": "echo"},
            {"id": "echo", "type": "message", "content": "You said: {{ message.text }}"}
        ]
    });
    let ask = json!({
        "trigger": {"type": "message", "keywords": ["ask"]},
        "nodes": [
            {"id": "form", "type": "form", "next": "thanks", "fields": [
                {"name": "one", "type": "text", "required": true, "label": "First?"},
                {"name": "two", "type": "text", "required": true, "label": "Second, after {{ vars.one }}?"}]},
            {"id": "thanks", "type": "message", "content": "{{ vars.one }} and {{ vars.two }}"}
        ]
    });
    HashMap::from([(GREET, compiled(&greet)), (ASK, compiled(&ask))])
});

fn compiled(configuration: &Value) -> Arc<Flow> {
    let configuration = Configuration::load(configuration, Channel::Web).unwrap();
    let wait_timeout_ms = configuration.wait_timeout_ms;
    Arc::new(Flow { graph: Graph::compile(&configuration).unwrap(), wait_timeout_ms })
}

/// What the catalog says of one of them.
pub fn marker(workflow: WorkflowId, state_no: u64, status: WorkflowStatus) -> v1::CatalogMarker {
    let keyword = if workflow == GREET { "hello" } else { "ask" };
    v1::CatalogMarker {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: workflow.to_vec().into(),
        state_no,
        status: status.into(),
        revision: 1,
        channels: vec!["web".to_owned()],
        keywords: vec![keyword.to_owned()],
        activated_at_ms: 1,
        cancel_before_state_no: 0,
    }
}

/// Where a runner finds them.
pub struct SimulatedDefinitions(pub Handle);

impl Definitions for SimulatedDefinitions {
    async fn flow(&self, workflow: WorkflowId, _revision: u32) -> Result<Option<Arc<Flow>>, Unavailable> {
        self.0.call("definition", |_| Ok(FLOWS.get(&workflow).cloned())).await
    }
}
