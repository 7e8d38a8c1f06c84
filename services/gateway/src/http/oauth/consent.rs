//! `POST /oauth/authorize`: the form comes back. Who holds a full-access key of the client's account may say yes; anybody may say no.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use flow_model::ApiKeyId;

use super::{authorize, back, form, page};
use crate::audit::{By, Change};
use crate::auth::{AuthError, Verified};
use crate::http::error::REQUEST_ID;
use crate::http::{caller, remote};
use crate::key::{ApiKey, Level};
use crate::limit::{Class, Subject};
use crate::oauth::params::Params;
use crate::oauth::request::{DENIED, Request};
use crate::oauth::{Client, Consent, redirect};
use crate::state::State;

/// What a consent is called in the audit log.
const ACTION: &str = "authorizeOAuthClient";
/// Where browsers say which site a request is from (W3C Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";

/// What the form says.
struct Decided {
    asked: Request,
    client: Client,
    /// The key that is to show who decides; none when the answer is no.
    key: Option<String>,
}

pub(in crate::http) async fn decide(
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let params = match form::read(&request, payload).await {
        Ok(params) => params,
        Err(error) => return page::problem(error.status_code(), "It is not the form that was shown."),
    };
    match answer(&request, &params, &state).await {
        Ok(response) | Err(response) => response,
    }
}

async fn answer(request: &HttpRequest, params: &Params, state: &State) -> Result<HttpResponse, HttpResponse> {
    let decided = read(request, params, state).await?;
    let Decided { asked, client, key } = &decided;
    let Some(key) = key else {
        let answer = vec![("error", DENIED.error), ("error_description", DENIED.description)];
        return Ok(back(&asked.redirect_uri, answer, asked.state.as_deref(), state.oauth.issuer()));
    };
    let holder = match may_decide(request, state, key, client).await {
        Ok(holder) => holder,
        Err((status, problem)) => {
            return Err(authorize::ask(state, status, asked, client, Some(problem)).await);
        }
    };
    let by = ApiKeyId::new(holder.key);
    let consent = Consent {
        client: client.id,
        redirect_uri: asked.redirect_uri.clone(),
        redirect_uri_given: asked.redirect_uri_given,
        challenge: asked.challenge.clone(),
        level: asked.level,
        by,
    };
    let code = state.oauth.consented(consent).await.map_err(|error| authorize::away(&error))?;
    // Before the code is told to anybody: what was consented to has its row.
    let change = Change {
        account: client.account,
        by: By::Key(by),
        action: ACTION,
        resource: Some(client.id.to_string()),
        status: StatusCode::SEE_OTHER.as_u16(),
        request_id: REQUEST_ID.try_with(Clone::clone).unwrap_or_default(),
        remote_address: remote::address(request, &state.trusted_proxies),
    };
    if let Err(error) = state.audit.write(&change).await {
        metrics::counter!("turnloom_gateway_audit_failures_total").increment(1);
        tracing::error!(%error, ?change, "a consent could not be written to the audit log");
        return Err(authorize::away(&error));
    }
    Ok(back(&asked.redirect_uri, vec![("code", code.expose())], asked.state.as_deref(), state.oauth.issuer()))
}

/// Reads the form. What it is about was signed when it was shown, and must still hold.
async fn read(request: &HttpRequest, params: &Params, state: &State) -> Result<Decided, HttpResponse> {
    let bad = |text: &str| page::problem(StatusCode::BAD_REQUEST, text);
    let site = request.headers().get(FETCH_SITE).map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin") {
        return Err(page::problem(StatusCode::FORBIDDEN, "The form was not sent from Turnloom's own page."));
    }
    let one = |name| params.one(name).map_err(|_| "It is not the form that was shown.");
    let token = one("request").map_err(bad)?.ok_or_else(|| bad("It is not the form that was shown."))?;
    let asked = state.oauth.asked(token).await.map_err(|error| authorize::away(&error))?;
    let asked = asked.ok_or_else(|| bad("It is not the form that was shown, or was shown too long ago."))?;
    let client = state.oauth.client(asked.client).await.map_err(|error| authorize::away(&error))?;
    let known =
        |client: &Client| client.redirect_uris.iter().any(|uri| redirect::is_same(uri, &asked.redirect_uri));
    let client = client.filter(known).ok_or_else(|| bad("The client is not known any more."))?;
    let key = match one("decision").map_err(bad)? {
        Some("allow") => Some(one("api_key").map_err(bad)?.unwrap_or_default().trim().to_owned()),
        Some("deny") => None,
        _ => return Err(bad("It does not say what you have decided.")),
    };
    Ok(Decided { asked, client, key })
}

/// Whose key that is, if its holder may decide for the client's account; else what to say, and that the form is there again.
async fn may_decide(
    request: &HttpRequest,
    state: &State,
    key: &str,
    client: &Client,
) -> Result<Verified, (StatusCode, &'static str)> {
    const TOO_MANY: (StatusCode, &str) = (StatusCode::TOO_MANY_REQUESTS, "Too many requests. Wait a minute.");
    const AWAY: (StatusCode, &str) =
        (StatusCode::SERVICE_UNAVAILABLE, "Keys cannot be checked now. Try again soon.");
    let found = match ApiKey::parse(key) {
        Ok(key) => state.auth.of_key(&key).await,
        Err(_) => Err(AuthError::Invalid),
    };
    // That a key is another account's is not told: it might be somebody else's.
    let holder = match found {
        Ok(holder) if holder.account == client.account => holder,
        Ok(_) | Err(AuthError::Invalid) => {
            caller::tried(request, state).map_err(|_| TOO_MANY)?;
            return Err((StatusCode::FORBIDDEN, "This is not a key of the client's account that is valid."));
        }
        Err(AuthError::Unavailable(error)) => {
            tracing::warn!(%error, "keys cannot be checked");
            return Err(AWAY);
        }
    };
    let subject = Subject { key: holder.key, class: Class::Write };
    let admitted = caller::admit(request, state, subject, holder.quotas.of(Class::Write)).await;
    admitted.map_err(|error| if error.status_code() == TOO_MANY.0 { TOO_MANY } else { AWAY })?;
    if holder.level < Level::FullAccess {
        return Err((StatusCode::FORBIDDEN, "The key must be a full-access one."));
    }
    Ok(holder)
}
