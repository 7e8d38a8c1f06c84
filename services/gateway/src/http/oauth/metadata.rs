//! `GET /.well-known/oauth-authorization-server` (RFC 8414) and `GET /oauth/jwks` (RFC 7517): for everyone.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::key::Level;
use crate::oauth::signing::Jwk;
use crate::state::State;

/// Others may keep it for five minutes; a new key is there days before it signs.
const KEPT: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "public, max-age=300");

#[derive(Serialize)]
struct Keys {
    keys: Vec<Jwk>,
}

pub(in crate::http) async fn jwks(state: web::Data<State>) -> Result<HttpResponse, Refusal> {
    let keys = state.oauth.jwks().await?;
    Ok(HttpResponse::Ok().insert_header(KEPT).json(Keys { keys }))
}

#[expect(clippy::needless_pass_by_value, reason = "the framework hands its extractors over")]
pub(in crate::http) fn metadata(state: web::Data<State>) -> std::future::Ready<HttpResponse> {
    std::future::ready(HttpResponse::Ok().insert_header(KEPT).json(of(state.oauth.issuer())))
}

/// What an issuer says of itself.
pub(in crate::http) fn of(issuer: &str) -> Value {
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "jwks_uri": format!("{issuer}/oauth/jwks"),
        "service_documentation": format!("{issuer}/docs"),
        "scopes_supported": Level::ALL.map(Level::as_str),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}
