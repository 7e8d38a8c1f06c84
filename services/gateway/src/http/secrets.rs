//! `/v1/secrets`: what calls to other systems need and nobody may read. Values come in and never go out.

pub(super) mod delete;
pub(super) mod list;
pub(super) mod put;

use contracts::{ErrorCode, v1};
use platform::clock::rfc3339;
use secrets::Sealer;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::state::State;

/// What anybody may know of a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(in crate::http) struct SecretView {
    name: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When its value was set last.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl SecretView {
    fn new(secret: v1::Secret) -> Self {
        Self {
            name: secret.name,
            created_at: rfc3339(secret.created_at_ms),
            updated_at: rfc3339(secret.updated_at_ms),
        }
    }
}

/// What seals, if the operator has set a key.
fn sealer(state: &State) -> Result<&Sealer, ApiError> {
    state.sealer.as_ref().ok_or_else(|| {
        let details = "Set --secrets-key (TURNLOOM_SECRETS_KEY) for the gateway and the runners";
        ApiError::because(ErrorCode::SecretsNotConfigured, details)
    })
}
