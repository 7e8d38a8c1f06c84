//! Answers what is not taken whatever the operation: requests that [`crate::front`] refused, and bodies that are packed.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError};
use contracts::ErrorCode;

use super::error::ApiError;
use crate::front::{Mishap, Refusal, STAND_IN};

/// Wraps every request.
pub(crate) async fn plain_requests<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let refused = if request.method() == STAND_IN {
        Some(mishap(request.request()).unwrap_or_else(unreadable).error_response())
    } else if is_packed(request.headers()) {
        Some(packed())
    } else {
        None
    };
    match refused {
        None => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Some(response) => Ok(request.into_response(response).map_into_right_body()),
    }
}

/// What went wrong on the connection, if anything did.
pub(super) fn mishap(request: &HttpRequest) -> Option<ApiError> {
    request.conn_data::<Mishap>().and_then(Mishap::get).map(ApiError::from)
}

fn unreadable() -> ApiError {
    ApiError::because(ErrorCode::InvalidRequest, "The request cannot be read")
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Head(reason) | Refusal::Body(reason) => Self::because(ErrorCode::InvalidRequest, reason),
            Refusal::Target => Self::of(ErrorCode::UriTooLong),
            Refusal::Fields => Self::of(ErrorCode::HeadersTooLarge),
            Refusal::HeadLate | Refusal::BodyLate => Self::of(ErrorCode::RequestTimeout),
            Refusal::BodyLarge => Self::of(ErrorCode::PayloadTooLarge),
        }
    }
}

/// Some bytes may unfold to any number of them.
fn is_packed(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// RFC 9110 §15.5.16: with what would be taken.
fn packed() -> HttpResponse {
    let details = "Send the body as it is, without Content-Encoding";
    let mut response = ApiError::because(ErrorCode::UnsupportedMediaType, details).error_response();
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}
