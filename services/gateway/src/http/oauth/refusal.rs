//! What a client is told that gets no token (RFC 6749 §5.2).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::NO_STORE;
use crate::http::error::ApiError;
use crate::oauth::StoreError;
use crate::oauth::params::Repeated;
use crate::oauth::signing::SigningError;

/// Seconds after which a client may try again when the database is away.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A refusal.
#[derive(Debug)]
pub(in crate::http) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct Told {
    error: &'static str,
    error_description: &'static str,
}

impl Refusal {
    /// With one of the codes that are answered with 400.
    pub fn of(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description, retry_after: None }
    }

    /// The request makes no sense.
    pub fn invalid_request(description: &'static str) -> Self {
        Self::of("invalid_request", description)
    }

    /// The code or token gives nothing. Why is nobody's business.
    pub fn invalid_grant(description: &'static str) -> Self {
        Self::of("invalid_grant", description)
    }

    /// The client is not who it says.
    pub fn invalid_client(description: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::of("invalid_client", description) }
    }

    /// Too much was asked for.
    pub fn too_many(seconds: u64) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let refusal = Self::of("temporarily_unavailable", "Too many requests");
        Self { status, retry_after: Some(seconds), ..refusal }
    }
}

impl From<Repeated> for Refusal {
    fn from(_: Repeated) -> Self {
        Self::invalid_request("A parameter is there more than once")
    }
}

impl From<ApiError> for Refusal {
    /// A body that cannot be read.
    fn from(error: ApiError) -> Self {
        let description = "The body must be application/x-www-form-urlencoded, 32 KiB at most";
        Self { status: error.status_code(), ..Self::invalid_request(description) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "the tables of OAuth cannot be reached");
            let refusal = Self::of("temporarily_unavailable", "The database is away");
            let retry_after = Some(RETRY_AFTER_SECONDS);
            return Self { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, ..refusal };
        }
        tracing::error!(error = &error as &dyn std::error::Error, "the tables of OAuth cannot be used");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..Self::of("server_error", "Internal error") }
    }
}

impl From<SigningError> for Refusal {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Store(error) => error.into(),
            SigningError::NoKey => {
                tracing::error!("access tokens cannot be signed");
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    ..Self::of("server_error", "Internal error")
                }
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.description)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let told = Told { error: self.error, error_description: self.description };
        let mut response = HttpResponse::build(self.status).insert_header(NO_STORE).json(told);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"turnloom\", charset=\"UTF-8\""),
            );
        }
        response
    }
}
