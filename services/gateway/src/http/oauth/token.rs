//! `POST /oauth/token` (RFC 6749 §3.2).

use actix_web::http::header::PRAGMA;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use uuid::Uuid;

use super::refusal::Refusal;
use super::{NO_STORE, client, form};
use crate::key::Level;
use crate::oauth::params::Params;
use crate::oauth::{ACCESS_SECONDS, CODE, Client, Given, GrantType, Secret, pkce, scope};
use crate::state::State;

/// What is given (RFC 6749 §5.1).
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: &'static str,
}

/// A grant, and the refresh token that belongs to it.
struct Granted {
    grant: Uuid,
    level: Level,
    subject: String,
    refresh: Option<Secret>,
}

pub(in crate::http) async fn give(
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let params = form::read(&request, payload).await?;
    let client = client::known(&request, &params, &state).await?;
    // Nothing is used up for a token that cannot be signed.
    state.oauth.ready().await?;
    let granted = match params.one("grant_type")? {
        Some("authorization_code") => by_code(&params, &client, &state).await?,
        Some("refresh_token") => by_refresh_token(&params, &client, &state).await?,
        Some("client_credentials") => by_itself(&params, &client, &state).await?,
        Some(_) => {
            let description =
                "The grant_type must be authorization_code, refresh_token or client_credentials";
            return Err(Refusal::of("unsupported_grant_type", description));
        }
        None => return Err(Refusal::invalid_request("The grant_type is missing")),
    };
    let access_token = state.oauth.token(&client, granted.subject, granted.level, granted.grant).await?;
    let tokens = Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_SECONDS,
        refresh_token: granted.refresh.map(|secret| secret.expose().to_owned()),
        scope: granted.level.as_str(),
    };
    Ok(HttpResponse::Ok().insert_header(NO_STORE).insert_header((PRAGMA, "no-cache")).json(tokens))
}

/// RFC 6749 §4.1.3, RFC 7636 §4.5.
async fn by_code(params: &Params, client: &Client, state: &State) -> Result<Granted, Refusal> {
    const WRONG: &str =
        "The code is not valid, was used, or is for another client, redirect_uri or code_verifier";
    require(client, GrantType::AuthorizationCode)?;
    let code = params.one("code")?.ok_or(Refusal::invalid_request("The code is missing"))?;
    let verifier = params.one("code_verifier")?;
    let verifier = verifier.ok_or(Refusal::invalid_request("The code_verifier is missing"))?;
    let redirect_uri = params.one("redirect_uri")?;
    let code = Secret::parse(CODE, code).ok_or(Refusal::invalid_grant(WRONG))?;
    // No other text has the challenge of a code, so it needs no looking at; but a second use shall be noticed.
    let challenge = if pkce::is_verifier(verifier) { pkce::challenge(verifier) } else { String::new() };
    let (given, refresh) = state.oauth.exchange(client.id, &code, redirect_uri, challenge).await?;
    granted(given, client, refresh, WRONG)
}

/// RFC 6749 §6.
async fn by_refresh_token(params: &Params, client: &Client, state: &State) -> Result<Granted, Refusal> {
    let token = params.one("refresh_token")?;
    let token = token.ok_or(Refusal::invalid_request("The refresh_token is missing"))?;
    let level = match params.one("scope")? {
        Some(scope) => Some(scope::level(Some(scope), Level::FullAccess).ok_or_else(bad_scope)?),
        None => None,
    };
    let (given, next) = state.oauth.refresh(client.id, token, level).await?;
    granted(given, client, next, "The refresh_token is not valid, was used, or is another client's")
}

fn granted(given: Given, client: &Client, refresh: Secret, wrong: &'static str) -> Result<Granted, Refusal> {
    match given {
        Given::Grant { grant, level } => {
            Ok(Granted { grant, level, subject: client.account.to_string(), refresh: Some(refresh) })
        }
        Given::TooMuch => Err(bad_scope()),
        Given::TooSoon { seconds } => Err(Refusal::too_many(seconds)),
        Given::Nothing | Given::UsedBefore => Err(Refusal::invalid_grant(wrong)),
    }
}

/// RFC 6749 §4.4.
async fn by_itself(params: &Params, client: &Client, state: &State) -> Result<Granted, Refusal> {
    require(client, GrantType::ClientCredentials)?;
    let level = scope::level(params.one("scope")?, client.level).ok_or_else(bad_scope)?;
    let grant = state.oauth.own(client.id, level).await?;
    Ok(Granted { grant, level, subject: client.id.to_string(), refresh: None })
}

fn require(client: &Client, kind: GrantType) -> Result<(), Refusal> {
    let has_secret = client.is_confidential() || kind != GrantType::ClientCredentials;
    if client.may(kind) && has_secret {
        Ok(())
    } else {
        Err(Refusal::of("unauthorized_client", "The client is not registered for this grant_type"))
    }
}

fn bad_scope() -> Refusal {
    Refusal::of(
        "invalid_scope",
        "The scope must be of read_only, read_write and full_access, at most what was granted",
    )
}
