//! `/v1/workflows/{workflow_id}/executions`.

pub(super) mod cancel;
pub(super) mod get;
pub(super) mod list;
pub(super) mod retry;
pub(super) mod start;
pub(super) mod view;

use contracts::{ErrorCode, v1};
use flow_model::ExecutionId;
use serde::Serialize;

use self::view::ExecutionView;
use super::error::ApiError;

#[derive(Serialize)]
struct One {
    data: ExecutionView,
}

/// The execution of a path. What is not an id names no execution.
fn id_of(text: &str) -> Result<ExecutionId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::ExecutionNotFound))
}

/// What is to be known of an execution's conversation to send it a command.
fn conversation_of(execution: &v1::Execution) -> v1::Conversation {
    v1::Conversation {
        id: execution.conversation_id.clone(),
        channel: execution.channel.clone(),
        customer_id: execution.customer_id.clone(),
        ..v1::Conversation::default()
    }
}
