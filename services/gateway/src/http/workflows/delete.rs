//! `DELETE /v1/workflows/{workflow_id}`.

use crate::http::operation::{Answer, Operation, RequestHeader, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "deleteWorkflow",
    method: Method::DELETE,
    path: "/v1/workflows/{workflow_id}",
    summary: "Delete a workflow",
    description: "It is gone from every endpoint at once, with its executions, its metrics and the conversations that wait inside it.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "It is gone",
        schema: Shape::Plain("Deleted"),
        example: include_str!("../openapi/examples/deleted.json"),
    }],
    errors: &[ErrorCode::WorkflowNotFound, ErrorCode::PreconditionFailed],
    headers: &[RequestHeader::IfMatch],
};

/// Something that is gone.
#[derive(Serialize, ToSchema)]
#[schema(as = Deleted)]
pub(in crate::http) struct DeletedView {
    pub message: &'static str,
}

pub(in crate::http) async fn delete(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    state.services.delete_workflow(account, id, super::if_match(&request)?).await?;
    Ok(HttpResponse::Ok().json(DeletedView { message: "Workflow deleted successfully" }))
}
