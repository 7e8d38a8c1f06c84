//! Reading a request's JSON, bounded.

mod strict;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use contracts::ErrorCode;
use flow_model::ProblemCode;
use flow_model::document::{At, Object, Report};
use futures::StreamExt;
use serde_json::Value;

use super::error::ApiError;
use super::plain_requests::mishap;
use strict::Fault;

/// Bytes of a document that is handed on over the bus, below its 1 MiB.
const HANDED_ON_BYTES_MAX: usize = 900 * 1024;

/// The body as JSON.
pub(super) async fn json(
    request: &HttpRequest,
    payload: Payload,
    bytes_max: usize,
) -> Result<Value, ApiError> {
    require_json(request)?;
    let bytes = read(request, payload, bytes_max).await?;
    if bytes.is_empty() {
        return Err(ApiError::because(ErrorCode::InvalidRequest, "The body is missing"));
    }
    parse(&bytes)
}

/// The body as JSON, or none when there is none.
pub(super) async fn optional_json(
    request: &HttpRequest,
    payload: Payload,
    bytes_max: usize,
) -> Result<Option<Value>, ApiError> {
    let bytes = read(request, payload, bytes_max).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    require_json(request)?;
    parse(&bytes).map(Some)
}

/// Reads the body of an operation that takes none: it may be left out, or be an empty object.
pub(super) async fn nothing(
    request: &HttpRequest,
    payload: Payload,
    bytes_max: usize,
) -> Result<(), ApiError> {
    let Some(document) = optional_json(request, payload, bytes_max).await? else { return Ok(()) };
    let mut report = Report::default();
    let object = Object::read(&document, &At::root(), ProblemCode::InvalidRequest, &mut report);
    let read = object.map(|object| object.finish(&mut report));
    report.into_result(read)?;
    Ok(())
}

/// A document as it is handed to another service: without the blanks that its user put in.
pub(super) fn compact(document: &Value) -> Result<Vec<u8>, ApiError> {
    let bytes = serde_json::to_vec(document)
        .map_err(|error| ApiError::because(ErrorCode::InvalidRequest, error.to_string()))?;
    if bytes.len() > HANDED_ON_BYTES_MAX { Err(too_large(HANDED_ON_BYTES_MAX)) } else { Ok(bytes) }
}

/// Reads JSON in which no field is given twice.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    strict::parse(bytes).map_err(|fault| match fault {
        Fault::Repeated(path) => ApiError::invalid(&path, "The field is given twice"),
        Fault::Malformed(error) => {
            ApiError::because(ErrorCode::InvalidRequest, format!("The body is not valid JSON: {error}"))
        }
    })
}

fn require_json(request: &HttpRequest) -> Result<(), ApiError> {
    let header =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    });
    if json && utf8 {
        Ok(())
    } else {
        Err(ApiError::because(ErrorCode::UnsupportedMediaType, "Send the body as application/json in UTF-8"))
    }
}

/// The body as it is, whatever it is.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    bytes_max: usize,
) -> Result<Vec<u8>, ApiError> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            let unread =
                || ApiError::because(ErrorCode::InvalidRequest, format!("The body cannot be read: {error}"));
            mishap(request).unwrap_or_else(unread)
        })?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::because(ErrorCode::PayloadTooLarge, format!("The body is larger than {bytes_max} bytes"))
}
