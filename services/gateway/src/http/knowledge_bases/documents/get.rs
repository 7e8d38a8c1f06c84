//! `GET /v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::One;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::knowledge_bases::view::DocumentView;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getDocument",
    method: Method::GET,
    path: "/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}",
    summary: "Get a document",
    description: "What is known of it; its bytes are not kept.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The document",
        schema: Shape::One("KnowledgeDocument"),
        example: include_str!("../../openapi/examples/knowledge_document.json"),
    }],
    errors: &[ErrorCode::KnowledgeBaseNotFound, ErrorCode::DocumentNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (base, document) = path.into_inner();
    let document = state.services.document(account, base, document).await?;
    Ok(HttpResponse::Ok().json(One { data: DocumentView::from(&document) }))
}
