//! `/v1/api-keys`: what lets others in. A secret is shown when it is made, and never again.

pub(super) mod create;
mod fields;
pub(super) mod get;
pub(super) mod list;
pub(super) mod revoke;
pub(super) mod rotate;
pub(super) mod view;

use contracts::ErrorCode;
use flow_model::ApiKeyId;
use serde::Serialize;

use super::error::ApiError;
use crate::keys::KeyError;

#[derive(Serialize)]
struct One<T> {
    data: T,
}

/// The key of a path. What is not an id names none.
fn id_of(text: &str) -> Result<ApiKeyId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::ApiKeyNotFound))
}

/// Why something about keys was not done.
pub(super) fn failed(error: &KeyError) -> ApiError {
    match error {
        KeyError::NoSuchKey => ApiError::of(ErrorCode::ApiKeyNotFound),
        KeyError::NotActive(status) => {
            ApiError::because(ErrorCode::Conflict, format!("The key is {} and stays so", status.as_str()))
        }
        KeyError::TooManyKeys => ApiError::because(
            ErrorCode::Conflict,
            format!("{}; revoke those that nobody needs", upper(error)),
        ),
        KeyError::TooManySecrets => ApiError::because(
            ErrorCode::Conflict,
            format!("{}; wait until one ends, or rotate with a shorter overlap", upper(error)),
        ),
        // The account of a key is there, and is not made here.
        KeyError::NoSuchAccount | KeyError::AccountExists => internal(error),
        KeyError::Store(store) if store.is_unavailable() => {
            tracing::warn!(error = store as &dyn std::error::Error, "keys cannot be reached");
            ApiError::because(
                ErrorCode::ServiceUnavailable,
                "The database is away; look whether it was done before you try again",
            )
        }
        KeyError::Store(store) => internal(store),
    }
}

fn internal(error: &(dyn std::error::Error + 'static)) -> ApiError {
    tracing::error!(error, "keys cannot be read or written");
    ApiError::of(ErrorCode::InternalError)
}

/// As a sentence begins.
fn upper(error: &KeyError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
