//! `POST /v1/workflows/{workflow_id}/executions/{execution_id}/retry`: tries a failed execution again, from its failed node.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, ExecutionStatus, command::Kind};

use super::start::{Accepted, failed};
use super::view::ExecutionView;
use super::{One, conversation_of};
use crate::http::caller::Caller;
use crate::http::conversations::steer;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, RequestHeader, Shape};
use crate::http::query::Query;
use crate::http::{body, prefer, workflows};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "retryExecution",
    method: Method::POST,
    path: "/v1/workflows/{workflow_id}/executions/{execution_id}/retry",
    summary: "Retry a failed execution",
    description: "Runs the node that failed once more, with what was known then, as a new execution that names the old one in `retry_of`; on the same revision. 409 when the conversation has moved on since. With `Prefer: wait` the answer is the execution, when it is over in time.",
    level: Level::ReadWrite,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "Nothing",
        optional: true,
        example: include_str!("../openapi/examples/nothing.json"),
    }),
    answers: &[
        Answer {
            status: 200,
            description: "The new execution, when the caller waits",
            schema: Shape::One("Execution"),
            example: include_str!("../openapi/examples/execution.json"),
        },
        Answer {
            status: 202,
            description: "It runs",
            schema: Shape::One("AcceptedExecution"),
            example: include_str!("../openapi/examples/accepted_execution.json"),
        },
    ],
    errors: &[
        ErrorCode::WorkflowNotFound,
        ErrorCode::ExecutionNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::WorkflowExecutionFailed,
    ],
    headers: &[RequestHeader::Prefer],
};

pub(in crate::http) async fn retry(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (wait, deadline) = (prefer::wait(&request)?, Deadline::of(&request));
    let (workflow, id) = (workflows::id_of(&path.0)?, super::id_of(&path.1)?);
    body::nothing(&request, payload, state.body_bytes_max).await?;
    state.services.workflow(account, workflow).await?;
    let old = state.services.execution(account, workflow, id).await?;
    if old.status() != ExecutionStatus::Failed {
        return Err(ApiError::because(ErrorCode::Conflict, "Only an execution that failed can be retried"));
    }
    let conversation = conversation_of(&old);
    let record = old.record.unwrap_or_default();
    let retry = Kind::Retry(v1::Retry {
        execution_id: id.to_vec().into(),
        text: record.input_text,
        message_id: record.message_id,
        metadata_json: record.metadata_json,
    });
    let minted = steer::mint(&state, account, &conversation, retry)?;
    let accepted = Accepted { workflow, execution: minted.execution, conversation: minted.conversation };
    // Whoever does not wait for the execution still hears whether there is one.
    let answer = steer::send(&state, minted, deadline).await?;
    if wait.is_none() {
        return Ok(accepted.response());
    }
    match answer.and_then(|answer| answer.execution) {
        None => Ok(accepted.response()),
        Some(execution) if execution.status() == ExecutionStatus::Failed => Err(failed(&execution)),
        Some(execution) => Ok(HttpResponse::Ok()
            .insert_header(("preference-applied", "wait"))
            .json(One { data: ExecutionView::whole(execution) })),
    }
}
