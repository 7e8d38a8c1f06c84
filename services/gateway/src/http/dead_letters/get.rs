//! `GET /v1/dead-letters/{dead_letter_id}`: with its payload.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::One;
use super::view::DeadLetterView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getDeadLetter",
    method: Method::GET,
    path: "/v1/dead-letters/{dead_letter_id}",
    summary: "Get a dead letter",
    description: "With its payload, and what can be read of it.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The dead letter",
        schema: Shape::One("DeadLetter"),
        example: include_str!("../openapi/examples/dead_letter.json"),
    }],
    errors: &[ErrorCode::DeadLetterNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let letter = state.services.dead_letter(account, super::id_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(One { data: DeadLetterView::whole(letter) }))
}
