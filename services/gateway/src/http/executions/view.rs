//! An execution as the API shows it.

use contracts::v1::{self, ExecutionStatus, NextAction, StepStatus};
use flow_model::{ConversationId, ExecutionId, WorkflowId};
use platform::clock::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;

/// One turn. Lists leave the steps out.
#[derive(Serialize)]
pub(in crate::http) struct ExecutionView {
    id: String,
    workflow_id: String,
    status: &'static str,
    started_at: String,
    completed_at: Option<String>,
    duration_ms: Option<i64>,
    customer_id: String,
    conversation_id: String,
    channel: String,
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<StepView>>,
    input: InputView,
    output: OutputView,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

#[derive(Serialize, Clone)]
struct InputView {
    message: String,
}

#[derive(Serialize)]
struct OutputView {
    response: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<String>>,
    next_action: &'static str,
}

#[derive(Serialize)]
struct ErrorView {
    code: String,
    message: String,
    node_id: String,
}

#[derive(Serialize)]
struct StepView {
    node_id: String,
    r#type: String,
    status: &'static str,
    started_at: String,
    completed_at: String,
    duration_ms: i64,
    input: InputView,
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
