//! `GET /v1/knowledge-bases/{knowledge_base_id}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use serde::Serialize;

use super::view::BaseView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getKnowledgeBase",
    method: Method::GET,
    path: "/v1/knowledge-bases/{knowledge_base_id}",
    summary: "Get a knowledge base",
    description: "By its id or its name.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The knowledge base",
        schema: Shape::One("KnowledgeBase"),
        example: include_str!("../openapi/examples/knowledge_base.json"),
    }],
    errors: &[ErrorCode::KnowledgeBaseNotFound],
    headers: &[],
};

#[derive(Serialize)]
struct One {
    data: BaseView,
}

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let base = state.services.knowledge_base(account, path.into_inner()).await?;
    Ok(HttpResponse::Ok().json(One { data: BaseView::from(&base) }))
}
