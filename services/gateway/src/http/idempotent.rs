//! `Idempotency-Key`, on every `POST`: see [`crate::idempotency`] for what is kept and when.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use bytes::Bytes;
use contracts::ErrorCode;
use flow_model::AccountId;
use flow_model::limits::MESSAGE_ID_CHARS_MAX;
use futures::FutureExt;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::deadline::Deadline;
use super::error::{self, ApiError, REQUEST_ID};
use super::operation::Operation;
use super::{body, caller};
use crate::idempotency::{Answer, Begun, Idempotency, Keyed, Running, Seal};
use crate::state::State;

/// The header.
const NAME: &str = "idempotency-key";
/// On an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long another request with the same key is waited for.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Wraps every request.
pub(crate) async fn idempotent(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let has_key = request.headers().contains_key(NAME);
    let operation = has_key.then(|| Operation::of(request.request())).flatten();
    let operation = operation.filter(|operation| operation.takes_idempotency_key());
    let (Some(operation), Some(state)) = (operation, request.app_data::<web::Data<State>>().cloned()) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let Some(holder) = caller::enter_early(request.request()).await else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let begun = begin(&mut request, operation, holder.account, &state).await;
    let running = match begun.and_then(own_or_response) {
        Ok(Ok(running)) => running,
        Ok(Err(replayed)) => return Ok(request.into_response(replayed)),
        Err(error) => return Ok(request.into_response(error.error_response())),
    };
    let id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
    let time = Deadline::of(request.request()).left();
    // In a task of its own, which goes on when the caller goes away.
    let work = carry_out(request, next, state.idempotency.clone(), running, time);
    let work = actix_web::rt::spawn(REQUEST_ID.scope(id, work).in_current_span());
    work.await.unwrap_or_else(|_| Err(ApiError::of(ErrorCode::InternalError).into()))
}

async fn begin(
    request: &mut ServiceRequest,
    operation: &Operation,
    account: AccountId,
    state: &State,
) -> Result<Begun, ApiError> {
    let Some(key) = key(request.headers())? else { return Err(ApiError::of(ErrorCode::InternalError)) };
    let unreadable = |_| ApiError::because(ErrorCode::InvalidRequest, "The body cannot be read");
    let payload = request.extract::<web::Payload>().await.map_err(unreadable)?;
    let bytes = Bytes::from(body::read(request.request(), payload, state.body_bytes_max).await?);
    request.set_payload(Payload::from(bytes.clone()));
    // What holds a secret is kept in a way that the caller's own key alone can read, so that key is a part of the request.
    let secret = if operation.answers_a_secret() { caller::bearer(request.request())? } else { "" };
    let keyed = Keyed {
        account,
        operation: operation.path,
        key,
        sha256: hash(&[request.path(), request.query_string(), secret], &bytes),
        seal: operation.answers_a_secret().then(|| Seal::of(secret)),
    };
    let deadline = Deadline::of(request.request());
    state.idempotency.begin(keyed, deadline.left(), deadline.wait(WAIT_MAX)).await.map_err(|error| {
        tracing::warn!(%error, "an Idempotency-Key cannot be looked up");
        let details = "It cannot be known whether the request was sent before; nothing was done";
        ApiError::because(ErrorCode::ServiceUnavailable, details)
    })
}

/// The request to carry out, or else the answer that there is already.
fn own_or_response(begun: Begun) -> Result<Result<Running, HttpResponse>, ApiError> {
    match begun {
        Begun::Own(running) => Ok(Ok(*running)),
        Begun::Answered(answer) => Ok(Err(replay(answer))),
        Begun::Elsewhere => Err(ApiError::because(
            ErrorCode::Conflict,
            "The first request with this Idempotency-Key is still being carried out; send it again later",
        )),
        Begun::Reused => {
            Err(ApiError::because(ErrorCode::IdempotencyKeyReused, "Another request was sent with this key")
                .at("Idempotency-Key"))
        }
    }
}

async fn carry_out(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    idempotency: Idempotency,
    running: Running,
    time: Duration,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let handling = AssertUnwindSafe(tokio::time::timeout(time, next.call(request))).catch_unwind();
    let response = match handling.await {
        Ok(Ok(Ok(response))) => response.map_into_boxed_body(),
        failed => {
            // What has taken too long may still be carried out: until its time is over nobody else begins it.
            if !matches!(failed, Ok(Err(_))) {
                idempotency.give_up(running).await;
            }
            return Err(match failed {
                Ok(Ok(Err(error))) => error,
                Ok(Ok(Ok(_)) | Err(_)) => {
                    ApiError::because(ErrorCode::Timeout, "The request took too long").into()
                }
                Err(_) => {
                    tracing::error!("a request handler panicked");
                    ApiError::of(ErrorCode::InternalError).into()
                }
            });
        }
    };
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(bytes) if !response.status().is_server_error() || error::is_final(&response) => {
            idempotency.keep(running, answer(&response, bytes.clone())).await;
            BoxBody::new(bytes)
        }
        Ok(bytes) if response.status() == StatusCode::GATEWAY_TIMEOUT => BoxBody::new(bytes),
        Ok(bytes) => {
            idempotency.give_up(running).await;
            BoxBody::new(bytes)
        }
        // What has no end cannot be kept.
        Err(body) => {
            idempotency.give_up(running).await;
            body
        }
    };
    Ok(ServiceResponse::new(request, response.set_body(body)))
}

fn answer(response: &HttpResponse<()>, body: Bytes) -> Answer {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(text).collect();
    Answer { status: response.status().as_u16(), headers, body }
}

fn replay(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in &answer.headers {
        response.append_header((header.0.as_str(), header.1.as_str()));
    }
    response.insert_header((REPLAYED, "true")).body(answer.body)
}

/// What makes a request this one. No line holds a line break.
fn hash(lines: &[&str; 3], body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line);
        hash.update("\n");
    }
    hash.chain_update(body).finalize().into()
}

/// The key that a request carries.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(header) = headers.get(NAME) else { return Ok(None) };
    let refused = || {
        let details = format!("Idempotency-Key takes 1 to {MESSAGE_ID_CHARS_MAX} visible ASCII characters");
        ApiError::invalid("Idempotency-Key", details)
    };
    let text = header.to_str().map_err(|_| refused())?.trim();
    let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let fits = visible && (1..=MESSAGE_ID_CHARS_MAX).contains(&text.len());
    if fits { Ok(Some(text.to_owned())) } else { Err(refused()) }
}
