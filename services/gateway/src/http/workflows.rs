//! `/v1/workflows`.

pub(super) mod activate;
pub(super) mod create;
pub(super) mod deactivate;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod metrics;
pub(super) mod update;
pub(super) mod validate;
pub(super) mod view;

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use contracts::ErrorCode;
use flow_model::WorkflowId;

use super::error::ApiError;

/// The workflow of a path. What is not an id names no workflow.
pub(super) fn id_of(text: &str) -> Result<WorkflowId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::WorkflowNotFound))
}

/// `If-Match`, or an empty text.
fn if_match(request: &HttpRequest) -> Result<String, ApiError> {
    let Some(header) = request.headers().get(IF_MATCH) else { return Ok(String::new()) };
    let text = header.to_str().map_err(|_| ApiError::of(ErrorCode::PreconditionFailed))?;
    if text.trim().is_empty() {
        Err(ApiError::of(ErrorCode::PreconditionFailed))
    } else {
        Ok(text.to_owned())
    }
}
