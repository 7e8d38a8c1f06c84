//! `GET /v1/workflows/{workflow_id}/executions/{execution_id}`: with its steps.

use crate::http::operation::{Answer, Operation, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use futures::join;
use serde::Serialize;

use super::view::ExecutionView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::workflows;
use crate::key::Level;
use crate::state::State;

#[derive(Serialize)]
struct One {
    data: ExecutionView,
}

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getExecution",
    method: Method::GET,
    path: "/v1/workflows/{workflow_id}/executions/{execution_id}",
    summary: "Get an execution",
    description: "With its steps.",
    level: Level::ReadOnly,
    class: Class::Execution,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The execution",
        schema: Shape::One("Execution"),
        example: include_str!("../openapi/examples/execution.json"),
    }],
    errors: &[ErrorCode::WorkflowNotFound, ErrorCode::ExecutionNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (workflow, execution) = path.into_inner();
    let workflow = workflows::id_of(&workflow)?;
    let execution = super::id_of(&execution);
    let found = async { state.services.execution(account, workflow, execution?).await };
    let (workflow, execution) = join!(state.services.workflow(account, workflow), found);
    workflow?;
    Ok(HttpResponse::Ok().json(One { data: ExecutionView::whole(execution?) }))
}
