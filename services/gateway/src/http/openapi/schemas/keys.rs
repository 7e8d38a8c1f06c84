//! Bodies of the operations on API keys, and the words that they use.

use serde::Serialize;
use utoipa::ToSchema;

/// Each level includes those before it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum KeyLevel {
    ReadOnly,
    ReadWrite,
    FullAccess,
}

/// Only an `active` key lets anybody in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum KeyStatus {
    Active,
    Expired,
    Revoked,
}

/// A key to be made.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewApiKey {
    /// What to call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    level: KeyLevel,
    #[schema(value_type = KeyLimits, required = false)]
    limits: Option<KeyLimits>,
    /// A time that is still to come; never unless given.
    #[schema(value_type = String, required = false, format = DateTime)]
    expires_at: Option<String>,
}

/// Requests of each class in any hour, where they differ from the account's; at most the account's.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KeyLimits {
    #[schema(value_type = u32, required = false, minimum = 0, maximum = 1_000_000)]
    read: Option<u32>,
    #[schema(value_type = u32, required = false, minimum = 0, maximum = 1_000_000)]
    write: Option<u32>,
    #[schema(value_type = u32, required = false, minimum = 0, maximum = 1_000_000)]
    delete: Option<u32>,
    #[schema(value_type = u32, required = false, minimum = 0, maximum = 1_000_000)]
    execution: Option<u32>,
}

/// How a key gets a new secret.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Rotation {
    /// How long the secret before stays valid: `0s` to 30 days, such as `90s`, `15m`, `2h`, `1d` or ISO 8601. `24h` unless given.
    #[schema(value_type = String, required = false, examples("24h"))]
    overlap: Option<String>,
}
