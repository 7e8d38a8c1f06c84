//! `DELETE /v1/knowledge-bases/{knowledge_base_id}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::http::workflows::delete::DeletedView;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "deleteKnowledgeBase",
    method: Method::DELETE,
    path: "/v1/knowledge-bases/{knowledge_base_id}",
    summary: "Delete a knowledge base",
    description: "With all its documents. Nodes that name it give their fallback from now on.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "It is gone",
        schema: Shape::Plain("Deleted"),
        example: include_str!("../openapi/examples/deleted_knowledge_base.json"),
    }],
    errors: &[ErrorCode::KnowledgeBaseNotFound],
    headers: &[],
};

pub(in crate::http) async fn delete(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    state.services.delete_knowledge_base(account, path.into_inner()).await?;
    Ok(HttpResponse::Ok().json(DeletedView { message: "Knowledge base deleted successfully" }))
}
