//! Keys as the API shows them.

use platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::schemas;
use crate::key::ApiKey;
use crate::keys::{KeyRecord, Limits};
use crate::limit::{Class, Quotas};

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(in crate::http) struct KeyView {
    #[schema(examples("api-key-01a20acf-9cb2-767f-9572-1d0534001a8a"))]
    id: String,
    /// What it is called; nothing hangs on that.
    name: String,
    #[schema(value_type = schemas::keys::KeyLevel)]
    level: &'static str,
    #[schema(value_type = schemas::keys::KeyStatus)]
    status: &'static str,
    /// What is set for it alone; of a class that is null the account's limit holds.
    #[schema(value_type = schemas::keys::KeyLimits)]
    limits: SetView,
    #[schema(format = DateTime)]
    created_at: String,
    /// Null when it never does.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
    /// When its secret was replaced last.
    #[schema(required, format = DateTime)]
    rotated_at: Option<String>,
    /// Until when a secret that was replaced is still valid; null when none is.
    #[schema(required, format = DateTime)]
    overlap_until: Option<String>,
    /// When it was last let in, to the minute; some seconds late.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
}

/// Limits that are set.
#[derive(Serialize)]
pub(in crate::http) struct SetView {
    read: Option<u32>,
    write: Option<u32>,
    delete: Option<u32>,
    execution: Option<u32>,
}

/// Requests of each class in any hour.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
pub(in crate::http) struct LimitsView {
    read: u32,
    write: u32,
    delete: u32,
    execution: u32,
}

/// An API key with its secret, which nobody gets to see again.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyWithSecret)]
pub(in crate::http) struct SecretView {
    #[serde(flatten)]
    key: KeyView,
    /// What to send as `Authorization: Bearer <secret>`.
    #[schema(examples("tl_Qm4xZ0vB7tR2nK9sH5wL8cJ1pD6fG3aY00uXEr2l0"))]
    secret: String,
}

impl KeyView {
    /// What is known of a key.
    pub fn new(key: KeyRecord) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            level: key.level.as_str(),
            status: key.status.as_str(),
            limits: SetView::new(key.limits),
            created_at: rfc3339(key.created_at_ms),
            expires_at: key.expires_at_ms.map(rfc3339),
            revoked_at: key.revoked_at_ms.map(rfc3339),
            rotated_at: key.rotated_at_ms.map(rfc3339),
            overlap_until: key.overlap_until_ms.map(rfc3339),
            last_used_at: key.last_used_at_ms.map(rfc3339),
        }
    }

    /// Where it is.
    pub fn location(&self) -> String {
        format!("/v1/api-keys/{}", self.id)
    }
}

impl SetView {
    fn new(limits: Limits) -> Self {
        Self {
            read: limits.of(Class::Read),
            write: limits.of(Class::Write),
            delete: limits.of(Class::Delete),
            execution: limits.of(Class::Execution),
        }
    }
}

impl LimitsView {
    /// What holds.
    pub fn new(limits: Quotas) -> Self {
        Self {
            read: limits.of(Class::Read),
            write: limits.of(Class::Write),
            delete: limits.of(Class::Delete),
            execution: limits.of(Class::Execution),
        }
    }
}

impl SecretView {
    /// A key and its new secret.
    pub fn new(key: KeyRecord, secret: &ApiKey) -> Self {
        Self { key: KeyView::new(key), secret: secret.expose().to_owned() }
    }

    /// Where the key is.
    pub fn location(&self) -> String {
        self.key.location()
    }
}
