//! Who calls. The account comes from the key and from nowhere else.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use contracts::ErrorCode;
use flow_model::AccountId;

use super::error::ApiError;
use crate::auth::AuthError;
use crate::key::Level;
use crate::state::State;

/// A caller that was let in. Only a key makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    account: AccountId,
    level: Level,
}

impl Caller {
    /// The caller's account, when the key's level suffices.
    pub fn require(self, level: Level) -> Result<AccountId, ApiError> {
        if self.level >= level {
            return Ok(self.account);
        }
        let details =
            format!("The operation needs a {} key; this one is {}", level.as_str(), self.level.as_str());
        Err(ApiError::because(ErrorCode::Forbidden, details))
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = bearer(request).map(str::to_owned);
        let state = request.app_data::<web::Data<State>>().cloned();
        Box::pin(async move {
            let key = key?;
            let state = state.ok_or_else(|| ApiError::of(ErrorCode::InternalError))?;
            match state.auth.holder(&key).await {
                Ok(holder) => Ok(Self { account: holder.account, level: holder.level }),
                Err(AuthError::Invalid) => {
                    Err(ApiError::because(ErrorCode::Unauthorized, "The API key is not valid"))
                }
                Err(AuthError::Unavailable(error)) => {
                    tracing::warn!(%error, "keys cannot be checked");
                    Err(ApiError::because(ErrorCode::ServiceUnavailable, "Keys cannot be checked"))
                }
            }
        })
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
