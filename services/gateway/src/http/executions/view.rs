//! An execution as the API shows it.

use contracts::v1::{self, ExecutionStatus, NextAction, StepStatus};
use flow_model::{ConversationId, ExecutionId, WorkflowId};
use platform::clock::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::openapi::schemas;

/// One turn: a message handled until the flow ended or had to wait. Lists leave `steps` and `output.messages` out.
#[derive(Serialize, ToSchema)]
#[schema(as = Execution)]
pub(in crate::http) struct ExecutionView {
    #[schema(examples("execution-01a20acf-9d55-740b-a930-a6d23b7b2563"))]
    id: String,
    workflow_id: String,
    #[schema(value_type = schemas::ExecutionStatus)]
    status: &'static str,
    #[schema(format = DateTime)]
    started_at: String,
    /// Null while it runs.
    #[schema(required, format = DateTime)]
    completed_at: Option<String>,
    /// Null while it runs.
    #[schema(required)]
    duration_ms: Option<i64>,
    customer_id: String,
    conversation_id: String,
    #[schema(value_type = schemas::Channel)]
    channel: String,
    /// The revision of the configuration that ran.
    revision: u32,
    /// The message that it handled; absent when the API started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    message_id: Option<String>,
    /// The execution that was tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    retry_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<StepView>, required)]
    steps: Option<Vec<StepView>>,
    input: InputView,
    output: OutputView,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorView, required = false)]
    error: Option<ErrorView>,
}

/// What came in.
#[derive(Serialize, Clone, ToSchema)]
#[schema(as = ExecutionInput)]
pub(in crate::http) struct InputView {
    message: String,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ExecutionOutput)]
pub(in crate::http) struct OutputView {
    /// The last reply; null when there was none.
    #[schema(required)]
    response: Option<String>,
    /// All replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    messages: Option<Vec<String>>,
    #[schema(value_type = schemas::NextAction)]
    next_action: &'static str,
}

/// Why an execution failed.
#[derive(Serialize, ToSchema)]
#[schema(as = ExecutionError)]
pub(in crate::http) struct ErrorView {
    #[schema(examples("STEP_LIMIT_EXCEEDED"))]
    code: String,
    message: String,
    node_id: String,
}

/// One node's run.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
pub(in crate::http) struct StepView {
    node_id: String,
    /// The node's type.
    r#type: String,
    #[schema(value_type = schemas::StepStatus)]
    status: &'static str,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    completed_at: String,
    duration_ms: i64,
    input: InputView,
    /// Depends on the node's type; null when the step failed.
    #[schema(value_type = Option<std::collections::BTreeMap<String, serde_json::Value>>, required)]
    output: Box<RawValue>,
}

impl ExecutionView {
    /// With its steps and all its messages.
    pub fn whole(execution: v1::Execution) -> Self {
        let record = execution.record.clone().unwrap_or_default();
        let input = InputView { message: record.input_text };
        let steps = record.steps.into_iter().map(|step| step_view(step, &input)).collect();
        let messages = record.replies.into_iter().map(|reply| reply.text).collect();
        let mut view = Self::brief(execution);
        view.steps = Some(steps);
        view.output.messages = Some(messages);
        view
    }

    /// As lists have it.
    pub fn brief(execution: v1::Execution) -> Self {
        let status = match execution.status() {
            ExecutionStatus::Running => "running",
            ExecutionStatus::Success => "success",
            ExecutionStatus::Failed | ExecutionStatus::Unspecified => "failed",
        };
        let record = execution.record.unwrap_or_default();
        let next_action = match record.next_action() {
            NextAction::WaitForInput => "wait_for_input",
            NextAction::WaitForTimer => "wait_for_timer",
            NextAction::WaitForAgent => "wait_for_agent",
            NextAction::None | NextAction::Unspecified => "none",
        };
        Self {
            id: ExecutionId::from_slice(&execution.id).map(|id| id.to_string()).unwrap_or_default(),
            workflow_id: WorkflowId::from_slice(&execution.workflow_id)
                .map(|id| id.to_string())
                .unwrap_or_default(),
            status,
            started_at: rfc3339(execution.started_at_ms),
            completed_at: execution.completed_at_ms.map(rfc3339),
            duration_ms: execution.completed_at_ms.map(|completed| completed - execution.started_at_ms),
            customer_id: execution.customer_id,
            conversation_id: ConversationId::from_slice(&execution.conversation_id)
                .map(|id| id.to_string())
                .unwrap_or_default(),
            channel: execution.channel,
            revision: execution.revision,
            message_id: Some(record.message_id).filter(|id| !id.is_empty()),
            retry_of: ExecutionId::from_slice(&record.retry_of).ok().map(|id| id.to_string()),
            steps: None,
            input: InputView { message: record.input_text },
            output: OutputView {
                response: record.replies.last().map(|reply| reply.text.clone()),
                messages: None,
                next_action,
            },
            error: record.error.map(|error| ErrorView {
                code: error.code,
                message: error.message,
                node_id: error.node_id,
            }),
        }
    }
}

fn step_view(step: v1::Step, input: &InputView) -> StepView {
    let status = match step.status() {
        StepStatus::Completed => "completed",
        StepStatus::Failed | StepStatus::Unspecified => "failed",
        StepStatus::Running => "running",
        StepStatus::Skipped => "skipped",
    };
    let output = String::from_utf8(step.output_json.to_vec()).ok();
    StepView {
        node_id: step.node_id,
        r#type: step.r#type,
        status,
        started_at: rfc3339(step.started_at_ms),
        completed_at: rfc3339(step.completed_at_ms),
        duration_ms: step.completed_at_ms - step.started_at_ms,
        input: input.clone(),
        output: output.and_then(|text| RawValue::from_string(text).ok()).unwrap_or_else(empty),
    }
}

/// A step of which nothing is known but that it ran.
fn empty() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}
