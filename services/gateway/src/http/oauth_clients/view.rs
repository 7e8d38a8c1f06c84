//! Clients as the API shows them.

use platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::schemas;
use crate::oauth::{Client, Secret};

/// An OAuth client, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = OAuthClient)]
pub(in crate::http) struct ClientView {
    /// The `client_id`.
    #[schema(examples("oauth-client-01a20acf-9cb2-767f-9572-1d0534001a8a"))]
    id: String,
    /// What whoever consents is told that it is.
    name: String,
    #[schema(value_type = schemas::oauth::OAuthClientType)]
    r#type: &'static str,
    /// The most that it may ask for.
    #[schema(value_type = schemas::keys::KeyLevel)]
    level: &'static str,
    #[schema(value_type = Vec<schemas::oauth::OAuthGrantType>)]
    grant_types: Vec<&'static str>,
    redirect_uris: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last let in with an access token, to the minute; some seconds late.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
}

/// An OAuth client with its secret, which nobody gets to see again.
#[derive(Serialize, ToSchema)]
#[schema(as = OAuthClientWithSecret)]
pub(in crate::http) struct SecretView {
    #[serde(flatten)]
    client: ClientView,
    /// The `client_secret`; null of a public client.
    #[schema(required, examples("tls_Qm4xZ0vB7tR2nK9sH5wL8cJ1pD6fG3aY00uXEr2l0"))]
    secret: Option<String>,
}

impl ClientView {
    /// What is known of a client.
    pub fn new(client: Client) -> Self {
        Self {
            id: client.id.to_string(),
            r#type: if client.is_confidential() { "confidential" } else { "public" },
            name: client.name,
            level: client.level.as_str(),
            grant_types: client.grant_types.iter().map(|kind| kind.as_str()).collect(),
            redirect_uris: client.redirect_uris,
            created_at: rfc3339(client.created_at_ms),
            last_used_at: client.last_used_at_ms.map(rfc3339),
        }
    }
}

impl SecretView {
    /// A client and its new secret.
    pub fn new(client: Client, secret: Option<&Secret>) -> Self {
        Self { client: ClientView::new(client), secret: secret.map(|secret| secret.expose().to_owned()) }
    }

    /// Where the client is.
    pub fn location(&self) -> String {
        format!("/v1/oauth-clients/{}", self.client.id)
    }
}
