//! `/v1/oauth-clients`: programs that act for the account by OAuth 2.0. A secret is shown when it is made, and never again.

pub(super) mod create;
pub(super) mod delete;
mod fields;
pub(super) mod get;
pub(super) mod list;
pub(super) mod view;

use contracts::ErrorCode;
use flow_model::OAuthClientId;
use serde::Serialize;

use super::error::ApiError;
use crate::oauth::{CLIENTS_MAX, ClientError};

#[derive(Serialize)]
struct One<T> {
    data: T,
}

/// The client of a path. What is not an id names none.
fn id_of(text: &str) -> Result<OAuthClientId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::OAuthClientNotFound))
}

/// Why something about clients was not done.
pub(super) fn failed(error: &ClientError) -> ApiError {
    match error {
        ClientError::NoSuchClient => ApiError::of(ErrorCode::OAuthClientNotFound),
        ClientError::TooManyClients => ApiError::because(
            ErrorCode::Conflict,
            format!(
                "The account has {CLIENTS_MAX} OAuth clients, which is the most; remove those that nobody needs"
            ),
        ),
        ClientError::Store(store) if store.is_unavailable() => {
            tracing::warn!(error = store as &dyn std::error::Error, "OAuth clients cannot be reached");
            ApiError::because(
                ErrorCode::ServiceUnavailable,
                "The database is away; look whether it was done before you try again",
            )
        }
        ClientError::Store(store) => {
            tracing::error!(
                error = store as &dyn std::error::Error,
                "OAuth clients cannot be read or written"
            );
            ApiError::of(ErrorCode::InternalError)
        }
    }
}
