//! `DELETE /v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}`.

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
    id: "deleteDocument",
    method: Method::DELETE,
    path: "/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}",
    summary: "Delete a document",
    description: "No search finds it any more.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "It is gone",
        schema: Shape::Plain("Deleted"),
        example: include_str!("../../openapi/examples/deleted_document.json"),
    }],
    errors: &[ErrorCode::KnowledgeBaseNotFound, ErrorCode::DocumentNotFound],
    headers: &[],
};

pub(in crate::http) async fn delete(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (base, document) = path.into_inner();
    state.services.delete_document(account, base, document).await?;
    Ok(HttpResponse::Ok().json(DeletedView { message: "Document deleted successfully" }))
}
