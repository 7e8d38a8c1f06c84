//! `/v1/workflows/{workflow_id}/executions`.

pub(super) mod get;
pub(super) mod list;
pub(super) mod start;
pub(super) mod view;

use contracts::ErrorCode;
use flow_model::ExecutionId;

use super::error::ApiError;

/// The execution of a path. What is not an id names no execution.
fn id_of(text: &str) -> Result<ExecutionId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::ExecutionNotFound))
}
