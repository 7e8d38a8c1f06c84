//! Who calls, and whether they may. The account comes from the key or access token and from nowhere else.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use contracts::ErrorCode;

use super::audited::Known;
use super::error::ApiError;
use super::operation::Operation;
use super::remote;
use crate::auth::{Account, AuthError, Verified};
use crate::key::Level;
use crate::limit::{Admission, Standing, Subject};
use crate::state::State;

/// A caller that was let in to the operation that was asked for: only a valid key of a sufficient level, within its
/// limits, makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// The account of the key or token.
    pub account: Account,
}

/// The same caller, with all that is known of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallerWithKey(pub Verified);

/// What came of letting a caller in before the handler asked.
struct Entered(Result<Verified, ApiError>);

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let holder = CallerWithKey::from_request(request, payload);
        Box::pin(async move { Ok(Self { account: holder.await?.0.account() }) })
    }
}

impl FromRequest for CallerWithKey {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(Entered(entered)) = request.extensions_mut().remove() {
            return Box::pin(std::future::ready(entered.map(Self)));
        }
        let request = request.clone();
        Box::pin(async move { enter(&request).await.map(Self) })
    }
}

/// Lets a caller in before the handler is reached, which then finds what came of it, so that nothing counts twice. None
/// when the caller is refused: the handler does that.
pub(super) async fn enter_early(request: &HttpRequest) -> Option<Verified> {
    let entered = enter(request).await;
    let holder = entered.as_ref().ok().copied();
    request.extensions_mut().insert(Entered(entered));
    holder
}

async fn enter(request: &HttpRequest) -> Result<Verified, ApiError> {
    let key = bearer(request)?;
    let fault = || ApiError::of(ErrorCode::InternalError);
    let state = request.app_data::<web::Data<State>>().ok_or_else(fault)?;
    let operation = Operation::of(request).ok_or_else(fault)?;
    let holder = match state.auth.holder(key).await {
        Ok(known) => known,
        Err(AuthError::Invalid) => return Err(bad_key(request, state)),
        Err(AuthError::Unavailable(error)) => {
            tracing::warn!(%error, "keys cannot be checked");
            return Err(ApiError::because(ErrorCode::ServiceUnavailable, "Keys cannot be checked"));
        }
    };
    if !operation.reads() {
        Known::tell(request, holder);
    }
    let subject = Subject { key: holder.key, class: operation.class };
    admit(request, state, subject, holder.quotas.of(operation.class)).await?;
    require(holder.level, operation.level)?;
    Ok(holder)
}

/// Counts the request against the key's limit; how it stands is told in the answer's headers, whatever the answer is.
pub(super) async fn admit(
    request: &HttpRequest,
    state: &State,
    subject: Subject,
    limit: u32,
) -> Result<(), ApiError> {
    let Some(limiter) = &state.limiter else { return Ok(()) };
    match limiter.admit(subject, limit).await {
        Admission::Admitted(standing) => {
            request.extensions_mut().insert(standing);
            Ok(())
        }
        Admission::Refused(standing) => {
            request.extensions_mut().insert(standing);
            Err(over_limit(standing))
        }
        Admission::Unknown => Err(ApiError::because(
            ErrorCode::ServiceUnavailable,
            "It cannot be known whether the key is within its limits; nothing was done",
        )),
    }
}

fn over_limit(standing: Standing) -> ApiError {
    let class = standing.class.as_str();
    metrics::counter!("turnloom_http_rate_limited_total", "class" => class).increment(1);
    let details = format!(
        "The key may send {} requests of class '{class}' in an hour; there are more in {} s",
        standing.limit, standing.reset_seconds
    );
    ApiError::because(ErrorCode::RateLimitExceeded, details)
        .retrying_after(standing.reset_seconds.unsigned_abs())
}

fn require(has: Level, needs: Level) -> Result<(), ApiError> {
    if has >= needs {
        return Ok(());
    }
    let details = format!("The operation needs a {} key; this one is {}", needs.as_str(), has.as_str());
    Err(ApiError::because(ErrorCode::Forbidden, details))
}

fn bad_key(request: &HttpRequest, state: &State) -> ApiError {
    match tried(request, state) {
        Ok(()) => ApiError::because(ErrorCode::Unauthorized, "The API key or access token is not valid"),
        Err(seconds) => {
            ApiError::because(ErrorCode::RateLimitExceeded, "Too many requests with a key that is not valid")
                .retrying_after(seconds)
        }
    }
}

/// Counts a try with a key or secret that is not valid. When its address has tried too many: the seconds after which it may again.
pub(super) fn tried(request: &HttpRequest, state: &State) -> Result<(), u64> {
    let address = remote::address(request, &state.trusted_proxies);
    let tried = match (address, &state.bad_keys) {
        (Some(address), Some(bad_keys)) => bad_keys.count(address),
        (Some(_) | None, _) => Ok(()),
    };
    if tried.is_err() {
        metrics::counter!("turnloom_http_rate_limited_total", "class" => "bad_keys").increment(1);
    }
    tried
}

/// The key or access token that a request carries (RFC 6750 §2.1). The scheme's name has no case.
pub(super) fn bearer(request: &HttpRequest) -> Result<&str, ApiError> {
    let unauthorized = |details: &str| ApiError::because(ErrorCode::Unauthorized, details);
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .ok_or_else(|| unauthorized("The header Authorization: Bearer <API key> is missing"))?;
    let (scheme, key) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(key.trim())
    } else {
        Err(unauthorized("The header must be Authorization: Bearer <API key>"))
    }
}
