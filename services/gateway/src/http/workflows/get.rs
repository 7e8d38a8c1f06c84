//! `GET /v1/workflows/{workflow_id}`: with its configuration.

use crate::http::operation::{Answer, Operation, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use futures::try_join;
use serde::Serialize;

use super::view::WorkflowView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

#[derive(Serialize)]
struct One {
    data: WorkflowView,
}

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getWorkflow",
    method: Method::GET,
    path: "/v1/workflows/{workflow_id}",
    summary: "Get a workflow",
    description: "With its configuration, as it was written.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The workflow",
        schema: Shape::One("Workflow"),
        example: include_str!("../openapi/examples/workflow.json"),
    }],
    errors: &[ErrorCode::WorkflowNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    // Both at once: one that does not exist has no executions.
    let (workflow, totals) =
        try_join!(state.services.workflow(account, id), state.services.totals(account, id))?;
    let totals = Some(&totals);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, super::etag(&workflow.etag, totals)))
        .json(One { data: WorkflowView::new(&workflow, totals) }))
}
