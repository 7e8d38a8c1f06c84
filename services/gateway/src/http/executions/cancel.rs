//! `POST /v1/workflows/{workflow_id}/executions/{execution_id}/cancel`: ends an execution that is running.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, command::Kind};

use super::view::ExecutionView;
use super::{One, conversation_of};
use crate::http::caller::Caller;
use crate::http::conversations::steer;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::http::{body, workflows};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "cancelExecution",
    method: Method::POST,
    path: "/v1/workflows/{workflow_id}/executions/{execution_id}/cancel",
    summary: "Cancel an execution",
    description: "One that is running has failed with `CANCELLED`, and its flow is over. 409 when it is not running.",
    level: Level::ReadWrite,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "Nothing",
        optional: true,
        example: include_str!("../openapi/examples/nothing.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "The execution",
        schema: Shape::One("Execution"),
        example: include_str!("../openapi/examples/cancelled_execution.json"),
    }],
    errors: &[
        ErrorCode::WorkflowNotFound,
        ErrorCode::ExecutionNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

pub(in crate::http) async fn cancel(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let deadline = Deadline::of(&request);
    let (workflow, id) = (workflows::id_of(&path.0)?, super::id_of(&path.1)?);
    body::nothing(&request, payload, state.body_bytes_max).await?;
    state.services.workflow(account, workflow).await?;
    let execution = state.services.execution(account, workflow, id).await?;
    let conversation = conversation_of(&execution);
    let cancel = Kind::Cancel(v1::Cancel { execution_id: id.to_vec().into() });
    steer::obey(&state, account, &conversation, cancel, deadline).await?;
    let execution = state.services.execution(account, workflow, id).await?;
    Ok(HttpResponse::Ok().json(One { data: ExecutionView::whole(execution) }))
}
