//! Refuses an address that sends too many requests at once, before anything else is done for it.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use contracts::ErrorCode;

use super::error::ApiError;
use super::remote;
use crate::state::State;

/// Wraps every request.
pub(crate) async fn bursts<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match count(&request) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(error) => Ok(request.into_response(error.error_response()).map_into_right_body()),
    }
}

fn count(request: &ServiceRequest) -> Result<(), ApiError> {
    let state = request.app_data::<web::Data<State>>();
    let Some((state, bursts)) = state.and_then(|state| Some((state, state.bursts.as_ref()?))) else {
        return Ok(());
    };
    let Some(address) = remote::address(request.request(), &state.trusted_proxies) else { return Ok(()) };
    bursts.count(address).map_err(|seconds| {
        metrics::counter!("turnloom_http_rate_limited_total", "class" => "address").increment(1);
        ApiError::because(ErrorCode::RateLimitExceeded, "The address sends too many requests at once")
            .retrying_after(seconds)
    })
}
