//! Bodies of the operations on OAuth clients, the words that they use, and what the endpoints of RFC 6749 and RFC 8414 answer.

use serde::Serialize;
use utoipa::ToSchema;

use super::keys::KeyLevel;

/// A `public` client cannot keep a secret: it runs on its user's machine, or in a browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum OAuthClientType {
    Confidential,
    Public,
}

/// How a client gets its first token; refresh tokens come with codes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum OAuthGrantType {
    AuthorizationCode,
    ClientCredentials,
}

/// A client to be registered.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewOAuthClient {
    /// What whoever consents is told that it is.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    r#type: OAuthClientType,
    /// The most that it may ask for.
    level: KeyLevel,
    /// `["authorization_code"]` unless given; `client_credentials` is for confidential clients.
    #[schema(value_type = Vec<OAuthGrantType>, required = false, min_items = 1, max_items = 2)]
    grant_types: Option<Vec<OAuthGrantType>>,
    /// Needed for `authorization_code`, refused without it: absolute `https` URLs, or `http` ones of the user's own machine (`127.0.0.1`, `[::1]`,
    /// `localhost`), of which the port may be another one at each time. All else is compared letter by letter. Without user, fragment
    /// and `@`; written as a browser would write it.
    #[schema(value_type = Vec<String>, required = false, min_items = 1, max_items = 10)]
    redirect_uris: Option<Vec<String>>,
}

/// A refusal (RFC 6749 §5.2).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OAuthError {
    /// Such as `invalid_grant`.
    error: String,
    error_description: String,
}

/// What a client is given (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OAuthTokens {
    /// A signed token (RFC 9068): `Authorization: Bearer <access_token>`.
    access_token: String,
    token_type: String,
    /// Seconds.
    expires_in: u32,
    /// To be used once, for the next tokens; not with `client_credentials`.
    #[schema(value_type = String, required = false)]
    refresh_token: Option<String>,
    scope: KeyLevel,
}

/// Keys that access tokens are checked with (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OAuthKeys {
    keys: Vec<OAuthKey>,
}

/// A point on P-256 (RFC 7518 §6.2).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OAuthKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
    r#use: String,
    alg: String,
    kid: String,
}

/// What the authorization server can do (RFC 8414).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OAuthMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    service_documentation: String,
    scopes_supported: Vec<String>,
    response_types_supported: Vec<String>,
    response_modes_supported: Vec<String>,
    grant_types_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Vec<String>,
    revocation_endpoint_auth_methods_supported: Vec<String>,
    code_challenge_methods_supported: Vec<String>,
    authorization_response_iss_parameter_supported: bool,
}
