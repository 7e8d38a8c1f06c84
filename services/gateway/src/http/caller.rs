//! Who calls, and whether they may. The account comes from the key and from nowhere else.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use contracts::ErrorCode;
use flow_model::AccountId;
use platform::clock;

use super::error::ApiError;
use super::operation::Operation;
use crate::auth::{AuthError, Hash};
use crate::key::Level;
use crate::state::State;

/// A caller that was let in to the operation that was asked for: only a valid key of a sufficient level, within its
/// limits, makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// The account of the key.
    pub account: AccountId,
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { enter(&request).await })
    }
}

async fn enter(request: &HttpRequest) -> Result<Caller, ApiError> {
    let key = bearer(request)?;
    let fault = || ApiError::of(ErrorCode::InternalError);
    let state = request.app_data::<web::Data<State>>().ok_or_else(fault)?;
    let operation = Operation::of(request).ok_or_else(fault)?;
    let (hash, holder) = match state.auth.holder(key).await {
        Ok(known) => known,
        Err(AuthError::Invalid) => return Err(bad_key(request, state)),
        Err(AuthError::Unavailable(error)) => {
            tracing::warn!(%error, "keys cannot be checked");
            return Err(ApiError::because(ErrorCode::ServiceUnavailable, "Keys cannot be checked"));
        }
    };
    admit(request, state, hash, operation)?;
    require(holder.level, operation.level)?;
    Ok(Caller { account: holder.account })
}

/// Counts the request against the key's limit; how it stands is told in the answer's headers, whatever the answer is.
fn admit(request: &HttpRequest, state: &State, key: Hash, operation: &Operation) -> Result<(), ApiError> {
    let Some(limiter) = &state.limiter else { return Ok(()) };
    let class = operation.class;
    let standing = limiter.admit(key, class, clock::now().timestamp());
    request.extensions_mut().insert(standing);
    if standing.admitted {
        return Ok(());
    }
    metrics::counter!("turnloom_http_rate_limited_total", "class" => class.as_str()).increment(1);
    let details = format!(
        "A key may send {} requests of class '{}' in an hour; there are more in {} s",
        class.limit(),
        class.as_str(),
        standing.reset_seconds
    );
    Err(ApiError::because(ErrorCode::RateLimitExceeded, details)
        .retrying_after(standing.reset_seconds.unsigned_abs()))
}

fn require(has: Level, needs: Level) -> Result<(), ApiError> {
    if has >= needs {
        return Ok(());
    }
    let details = format!("The operation needs a {} key; this one is {}", needs.as_str(), has.as_str());
    Err(ApiError::because(ErrorCode::Forbidden, details))
}

fn bad_key(request: &HttpRequest, state: &State) -> ApiError {
    let tried = match (request.peer_addr(), &state.bad_keys) {
        (Some(peer), Some(bad_keys)) => bad_keys.tried(peer.ip()),
        (Some(_) | None, _) => Ok(()),
    };
    match tried {
        Ok(()) => ApiError::because(ErrorCode::Unauthorized, "The API key is not valid"),
        Err(seconds) => {
            metrics::counter!("turnloom_http_rate_limited_total", "class" => "bad_keys").increment(1);
            ApiError::because(ErrorCode::RateLimitExceeded, "Too many requests with a key that is not valid")
                .retrying_after(seconds)
        }
    }
}

/// RFC 6750 §2.1. The scheme's name has no case.
fn bearer(request: &HttpRequest) -> Result<&str, ApiError> {
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
