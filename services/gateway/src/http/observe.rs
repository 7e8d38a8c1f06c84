//! Around every request: its id, its span, its metrics, its deadline, and what to say when a handler panics.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use contracts::ErrorCode;
use futures::FutureExt;
use platform::clock;
use platform::telemetry::trace_context;
use tokio::time::Instant;
use tracing::Instrument;

use super::deadline::Deadline;
use super::error::{ApiError, REQUEST_ID};
use super::operation::Operation;
use crate::limit::{Standing, WINDOW_SECONDS};

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a caller's own request id.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// How long a request may take in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestTimeout(pub Duration);

/// Wraps every request.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let id = id_of(&request);
    let method = method_label(request.method());
    let route = route_of(&request);
    let route = route.as_ref();
    let timeout =
        request.app_data::<web::Data<RequestTimeout>>().map_or(Duration::from_mins(1), |timeout| timeout.0);
    let span = tracing::info_span!("request", method, route, request_id = id);
    if let Some(parent) = request.headers().get(trace_context::HEADER).and_then(|value| value.to_str().ok()) {
        trace_context::set_parent(&span, parent);
    }
    request.extensions_mut().insert(Deadline::after(timeout));
    let handling = REQUEST_ID.scope(id.clone(), next.call(request)).instrument(span);
    let handled = AssertUnwindSafe(tokio::time::timeout(timeout, handling)).catch_unwind().await;
    let outcome = match handled {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(ApiError::because(ErrorCode::Timeout, "The request took too long")
            .with_request_id(&id)
            .into()),
        Err(_) => {
            tracing::error!(request_id = id, route, "a request handler panicked");
            Err(ApiError::of(ErrorCode::InternalError).with_request_id(&id).into())
        }
    };
    let status = match &outcome {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    };
    record(method, route, status, started.elapsed(), &id);
    let mut response = outcome?;
    let standing = response.request().extensions().get::<Standing>().copied();
    if let Some(standing) = standing {
        tell_standing(response.headers_mut(), standing);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    Ok(response)
}

/// How the key stands: the IETF draft `draft-ietf-httpapi-ratelimit-headers`, and the older names that clients know.
fn tell_standing(headers: &mut HeaderMap, standing: Standing) {
    let (class, limit) = (standing.class.as_str(), standing.limit);
    let resets_at = clock::now().timestamp() + standing.reset_seconds;
    let told = [
        ("ratelimit-policy", format!("\"{class}\";q={limit};w={WINDOW_SECONDS}")),
        ("ratelimit", format!("\"{class}\";r={};t={}", standing.remaining, standing.reset_seconds)),
        ("x-ratelimit-limit", limit.to_string()),
        ("x-ratelimit-remaining", standing.remaining.to_string()),
        ("x-ratelimit-reset", resets_at.to_string()),
    ];
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn record(method: &'static str, route: &str, status: u16, took: Duration, id: &str) {
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("turnloom_http_requests_total", &labels).increment(1);
    metrics::histogram!("turnloom_http_request_seconds", "method" => method, "route" => route.to_owned())
        .record(took.as_secs_f64());
    if status >= 500 {
        tracing::warn!(method, route, status, request_id = id, "a request failed");
    } else {
        tracing::debug!(method, route, status, request_id = id, "request");
    }
}

/// The pattern of the path, not the path: ids in it would make a series for each.
fn route_of(request: &ServiceRequest) -> Cow<'static, str> {
    match Operation::pattern(request.request()) {
        Some(pattern) => pattern.into(),
        None => request.match_pattern().map_or("none".into(), Cow::Owned),
    }
}

/// The caller's id when it is one that can stand in a log, else a fresh one.
fn id_of(request: &ServiceRequest) -> String {
    let given = request.headers().get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    match given {
        Some(id)
            if (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            id.to_owned()
        }
        Some(_) | None => format!("request-{}", clock::new_uuid_v7()),
    }
}

/// A method of the API, or `OTHER`: callers must not be able to make new series.
fn method_label(method: &actix_web::http::Method) -> &'static str {
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("OTHER")
}
