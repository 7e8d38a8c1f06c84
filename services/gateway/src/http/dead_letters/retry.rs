//! `POST /v1/dead-letters/{dead_letter_id}/retry`: puts it into the stream again.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::One;
use super::view::DeadLetterView;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "retryDeadLetter",
    method: Method::POST,
    path: "/v1/dead-letters/{dead_letter_id}/retry",
    summary: "Try a dead letter again",
    description: "Puts a message or a start into the stream again, as it was accepted. It takes effect once, however often it is tried. What cannot be read is not tried again.",
    level: Level::FullAccess,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "Nothing",
        optional: true,
        example: include_str!("../openapi/examples/nothing.json"),
    }),
    answers: &[Answer {
        status: 202,
        description: "It will be handled",
        schema: Shape::One("DeadLetter"),
        example: include_str!("../openapi/examples/retried_letter.json"),
    }],
    errors: &[
        ErrorCode::DeadLetterNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

pub(in crate::http) async fn retry(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    body::nothing(&request, payload, state.body_bytes_max).await?;
    let letter = state.services.retry_dead_letter(account, id).await?;
    Ok(HttpResponse::Accepted().json(One { data: DeadLetterView::brief(letter) }))
}
