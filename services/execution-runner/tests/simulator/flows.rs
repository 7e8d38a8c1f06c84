//! The workflows: one greets, one asks and waits, one calls another system, one reminds later, one gives up waiting, one calls a
//! person, one fails.

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
pub const CALL: WorkflowId = WorkflowId::new(Uuid::from_u128(3));
pub const REMIND: WorkflowId = WorkflowId::new(Uuid::from_u128(4));
pub const QUIZ: WorkflowId = WorkflowId::new(Uuid::from_u128(5));
pub const PERSON: WorkflowId = WorkflowId::new(Uuid::from_u128(6));
pub const BREAK: WorkflowId = WorkflowId::new(Uuid::from_u128(7));
/// Each with its keyword.
pub const ALL: [(WorkflowId, &str); 7] = [
    (GREET, "hello"),
    (ASK, "ask"),
    (CALL, "call"),
    (REMIND, "remind"),
    (QUIZ, "quiz"),
    (PERSON, "person"),
    (BREAK, "break"),
];

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
    let call = json!({
        "trigger": {"type": "message", "keywords": ["call"]},
        "nodes": [
            {"id": "wait", "type": "message", "content": "One moment", "next": "first"},
            {"id": "first", "type": "http_request", "method": "GET", "url": "https://example.com", "save_as": "one", "next": "so"},
            {"id": "so", "type": "message", "content": "So it is {{ vars.one }}", "next": "second"},
            {"id": "second", "type": "http_request", "method": "GET", "url": "https://example.com/{{ vars.one }}", "save_as": "two", "next": "then"},
            {"id": "then", "type": "message", "content": "{{ message.text }} gives {{ vars.two }}"}
        ]
    });
    let remind = json!({
        "trigger": {"type": "message", "keywords": ["remind"]},
        "nodes": [
            {"id": "later", "type": "message", "content": "Later", "next": "delay"},
            {"id": "delay", "type": "delay", "duration": "20s", "next": "now"},
            {"id": "now", "type": "message", "content": "Now"}
        ]
    });
    let quiz = json!({
        "trigger": {"type": "message", "keywords": ["quiz"]},
        "nodes": [
            {"id": "form", "type": "form", "timeout": "15s", "on_timeout": "late", "next": "right", "fields": [
                {"name": "one", "type": "text", "required": true, "label": "What is it?"}]},
            {"id": "right", "type": "message", "content": "Right", "next": "end"},
            {"id": "end", "type": "end"},
            {"id": "late", "type": "message", "content": "Too late"}
        ]
    });
    let person = json!({
        "trigger": {"type": "message", "keywords": ["person"]},
        "nodes": [
            {"id": "wait", "type": "message", "content": "Somebody will come", "next": "hand"},
            {"id": "hand", "type": "handoff", "team": "sales", "note": "{{ message.text }}", "next": "back"},
            {"id": "back", "type": "message", "content": "It is me again"}
        ]
    });
    let breaks = json!({
        "trigger": {"type": "message", "keywords": ["break"]},
        "nodes": [
            {"id": "say", "type": "message", "content": "Trying", "next": "break"},
            {"id": "break", "type": "condition", "branches": [{"when": "vars.nothing > 1", "next": "say"}]}
        ]
    });
    HashMap::from([
        (PERSON, compiled(&person)),
        (BREAK, compiled(&breaks)),
        (GREET, compiled(&greet)),
        (ASK, compiled(&ask)),
        (CALL, compiled(&call)),
        (REMIND, compiled(&remind)),
        (QUIZ, compiled(&quiz)),
    ])
});

fn compiled(configuration: &Value) -> Arc<Flow> {
    let configuration = Configuration::load(configuration, Channel::Web).unwrap();
    let wait_timeout_ms = configuration.wait_timeout_ms;
    Arc::new(Flow { graph: Graph::compile(&configuration).unwrap(), wait_timeout_ms })
}

/// What the catalog says of one of them.
pub fn marker(workflow: WorkflowId, state_no: u64, status: WorkflowStatus) -> v1::CatalogMarker {
    let keyword = ALL.iter().find(|(known, _)| *known == workflow).unwrap().1;
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
