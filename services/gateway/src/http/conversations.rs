//! `/v1/conversations`: a customer of the account on one channel.

pub(super) mod assign;
pub(super) mod cancel;
pub(super) mod events;
pub(super) mod get;
pub(super) mod list;
pub(super) mod messages;
pub(super) mod release;
pub(super) mod say;
pub(super) mod steer;
pub(super) mod view;

use contracts::ErrorCode;
use flow_model::ConversationId;
use serde::Serialize;

use super::error::ApiError;

#[derive(Serialize)]
struct One<T> {
    data: T,
}

/// Where in a list that goes on by cursor only.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CursorPagination)]
pub(super) struct Onward {
    limit: u32,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The conversation of a path. What is not an id names none.
fn id_of(text: &str) -> Result<ConversationId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::ConversationNotFound))
}
