//! Schemas of what callers send, and of the words that answers use.
//!
//! Bodies are read by hand, so that every problem is told with its place; these types only describe them. That they
//! describe them truly is tested: every answer of the product is checked against the document, and generated
//! requests against the product.
#![expect(dead_code, reason = "only the schemas of these types are used")]

pub(in crate::http) mod conversations;
pub(in crate::http) mod keys;
pub(in crate::http) mod knowledge;
pub(in crate::http) mod nodes;
pub(in crate::http) mod oauth;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use nodes::Node;

/// Where customers write.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Channel {
    Whatsapp,
    Instagram,
    Voice,
    Web,
    Api,
}

/// A draft was never activated.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum WorkflowStatus {
    Draft,
    Active,
    Inactive,
}

/// `running` while a slow step is under way.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum ExecutionStatus {
    Running,
    Success,
    Failed,
}

/// How a step ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum StepStatus {
    Completed,
    Failed,
    Running,
    Skipped,
}

/// How the conversation goes on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum NextAction {
    WaitForInput,
    WaitForTimer,
    WaitForAgent,
    None,
}

/// `ignored`: no workflow took it. `dead`: it could not be handled.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum MessageStatus {
    Accepted,
    Handled,
    Ignored,
    Dead,
}

/// `frame`: inputs that nobody can read. `input`: one that makes no sense. The others failed too often: a customer's
/// `message`, an API `start`, a `timer` that fired, the `result` of an activity, a `command`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum DeadLetterKind {
    Frame,
    Input,
    Message,
    Start,
    Timer,
    Result,
    Command,
}

/// `retried`: it was put into the stream again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum DeadLetterStatus {
    Open,
    Retried,
}

/// A workflow to be made.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewWorkflow {
    /// Unique in the account, without regard to case and outer blanks.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    #[schema(value_type = String, required = false, max_length = 2000)]
    description: Option<String>,
    channel: Channel,
    configuration: Configuration,
}

/// What to change. Fields that are absent keep their value.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WorkflowChange {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 120)]
    name: Option<String>,
    #[schema(value_type = String, required = false, max_length = 2000)]
    description: Option<String>,
    #[schema(value_type = Channel, required = false)]
    channel: Option<Channel>,
    #[schema(value_type = Configuration, required = false)]
    configuration: Option<Configuration>,
}

/// What starts the flow, and the flow. It begins at the first node; a `next` that names no node ends it there.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Configuration {
    trigger: Trigger,
    #[schema(min_items = 1, max_items = 500)]
    nodes: Vec<Node>,
    /// A conversation that waited longer is over: `90s`, `15m`, `2h` or ISO 8601. `24h` unless given.
    #[schema(value_type = String, required = false, examples("24h"))]
    wait_timeout: Option<String>,
}

/// What starts a workflow.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Trigger {
    r#type: TriggerType,
    /// Whole words or phrases, found without regard to case. A `message` trigger needs them.
    #[schema(value_type = Vec<String>, required = false, min_items = 1, max_items = 100)]
    keywords: Option<Vec<String>>,
    /// The workflow's own channel unless given.
    #[schema(value_type = Vec<Channel>, required = false, min_items = 1, max_items = 5)]
    channels: Option<Vec<Channel>>,
}

/// `message`: a message with a keyword. `api`: only `POST …/executions`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum TriggerType {
    Message,
    Api,
}

/// An empty object.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Nothing {}

/// How a workflow is deactivated.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Deactivation {
    /// What becomes of conversations that wait inside it; `finish` unless given.
    #[schema(value_type = Waiting, required = false)]
    waiting: Option<Waiting>,
}

/// What becomes of conversations that wait.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Waiting {
    Finish,
    Cancel,
}

/// A customer's message.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewMessage {
    /// The caller's own name for the customer.
    #[schema(min_length = 1, max_length = 128)]
    customer_id: String,
    channel: Channel,
    /// What the customer says.
    #[schema(min_length = 1, max_length = 4096)]
    message: String,
    /// The sender's own id: the same one twice for a channel and a customer is one message.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 128)]
    message_id: Option<String>,
    /// When the customer sent it.
    #[schema(value_type = String, required = false, format = DateTime)]
    sent_at: Option<String>,
    /// Only this workflow's trigger is looked at.
    #[schema(value_type = String, required = false)]
    workflow_id: Option<String>,
    /// The caller's own notes, at most 4096 bytes.
    #[schema(value_type = BTreeMap<String, Value>, required = false)]
    metadata: Option<BTreeMap<String, Value>>,
}

/// A secret to be kept.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewSecret {
    /// What nobody can read again; 4096 bytes at most.
    #[schema(min_length = 1, max_length = 4096)]
    value: String,
}

/// Whom to start a workflow for.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewExecution {
    #[schema(min_length = 1, max_length = 128)]
    customer_id: String,
    /// The workflow's own unless given.
    #[schema(value_type = Channel, required = false)]
    channel: Option<Channel>,
    input: NewExecutionInput,
    /// Ends what the conversation waits in, instead of being refused.
    #[schema(value_type = bool, required = false)]
    replace: Option<bool>,
}

/// What the flow starts with.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewExecutionInput {
    #[schema(min_length = 1, max_length = 4096)]
    message: String,
}
