//! `/v1/dead-letters`: inputs that could not be handled and were put aside.

pub(super) mod get;
pub(super) mod list;
pub(super) mod retry;
pub(super) mod view;

use contracts::ErrorCode;
use flow_model::DeadLetterId;
use serde::Serialize;

use self::view::DeadLetterView;
use super::error::ApiError;

#[derive(Serialize)]
struct One {
    data: DeadLetterView,
}

/// The dead letter of a path. What is not an id names none.
fn id_of(text: &str) -> Result<DeadLetterId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::DeadLetterNotFound))
}
