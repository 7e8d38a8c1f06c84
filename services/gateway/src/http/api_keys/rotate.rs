//! `POST /v1/api-keys/{api_key_id}/rotate`: a new secret for the same key.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use flow_model::document::Report;

use super::view::SecretView;
use super::{One, failed, fields};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "rotateApiKey",
    method: Method::POST,
    path: "/v1/api-keys/{api_key_id}/rotate",
    summary: "Rotate an API key",
    description: "Gives a key a new secret, which is in this answer and never to be had again. The secret before stays valid for `overlap`, so that callers can be changed one by one; those that were replaced earlier end with it at the latest. `0s` ends all of them within a second. Level, limits, expiry and what was used of the limits stay. 409 when the key is expired or revoked, or when 4 secrets that were replaced are still valid.",
    level: Level::FullAccess,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "Rotation",
        optional: true,
        example: include_str!("../openapi/examples/rotation.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "The key and its new secret",
        schema: Shape::One("ApiKeyWithSecret"),
        example: include_str!("../openapi/examples/rotated_api_key.json"),
    }],
    errors: &[
        ErrorCode::ApiKeyNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

pub(in crate::http) async fn rotate(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    let document = body::optional_json(&request, payload, state.body_bytes_max).await?;
    let mut report = Report::default();
    let overlap_ms = fields::overlap(document.as_ref(), &mut report);
    let (overlap_ms, _) = report.into_result(overlap_ms)?;
    let (key, secret) = state.keys.rotate(*account, id, overlap_ms).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(One { data: SecretView::new(key, &secret) }))
}
