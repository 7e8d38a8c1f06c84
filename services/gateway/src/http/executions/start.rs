//! `POST /v1/workflows/{workflow_id}/executions`: starts an active workflow for a customer, without a trigger.

use crate::http::operation::{Answer, Body, Operation, RequestHeader, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, ExecutionStatus, Outcome, WorkflowStatus, input::Kind};
use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode::{InvalidRequest, MissingRequiredField};
use flow_model::{Channel, ConversationId, ExecutionId, WorkflowId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::ExecutionView;
use crate::http::caller::Caller;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::messages::fields;
use crate::http::query::Query;
use crate::http::{body, prefer, workflows};
use crate::intake::NewInput;
use crate::key::Level;
use crate::state::State;

/// A caller that does not wait for the execution still hears of a refusal when it comes within this time.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// The body.
struct Start {
    customer_id: String,
    channel: Option<Channel>,
    text: String,
    replace: bool,
}

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "startExecution",
    method: Method::POST,
    path: "/v1/workflows/{workflow_id}/executions",
    summary: "Start an execution",
    description: "Starts an active workflow for a customer without a trigger. With `Prefer: wait` the answer is the execution, when it is over in time.",
    level: Level::ReadWrite,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "NewExecution",
        optional: false,
        example: include_str!("../openapi/examples/new_execution.json"),
    }),
    answers: &[
        Answer {
            status: 200,
            description: "The execution, when the caller waits",
            schema: Shape::One("Execution"),
            example: include_str!("../openapi/examples/execution.json"),
        },
        Answer {
            status: 202,
            description: "Accepted: it will run",
            schema: Shape::One("AcceptedExecution"),
            example: include_str!("../openapi/examples/accepted_execution.json"),
        },
    ],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::WorkflowNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::WorkflowExecutionFailed,
    ],
    headers: &[RequestHeader::Prefer],
};

pub(in crate::http) async fn start(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (wait, deadline) = (prefer::wait(&request)?, Deadline::of(&request));
    let id = workflows::id_of(&path)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let start = read(&document)?;
    let workflow = state.services.workflow(account, id).await?;
    if workflow.status() != WorkflowStatus::Active {
        return Err(not_active());
    }
    let own = workflow.channel.parse().map_err(|_| ApiError::of(ErrorCode::InternalError))?;
    let kind = Kind::Start(v1::ApiStart {
        workflow_id: id.to_vec().into(),
        text: start.text,
        replace: start.replace,
    });
    let input = NewInput {
        account: *account,
        channel: start.channel.unwrap_or(own),
        customer_id: start.customer_id,
        kind,
    };
    let minted = state.intake.mint(input)?;
    let accepted = Accepted { workflow: id, execution: minted.execution, conversation: minted.conversation };
    let waiter = state.intake.accept_and_hear(minted).await?;
    let answer = waiter.wait(deadline.wait(wait.unwrap_or(REFUSAL_WAIT))).await;
    if let Some(answer) = &answer
        && answer.outcome() == Outcome::Refused
    {
        return Err(refused(&answer.reason));
    }
    let Some(longest) = wait else { return Ok(accepted.response()) };
    let mut execution = answer.and_then(|answer| answer.execution);
    if execution.is_none() {
        // The answer may have been lost on its way.
        let asking = state.services.execution(account, id, accepted.execution);
        execution = tokio::time::timeout(deadline.look_up(), asking).await.ok().and_then(Result::ok);
    }
    match execution {
        None => {
            tracing::debug!(?longest, "an execution was not over in time");
            Ok(accepted.response())
        }
        Some(execution) if execution.status() == ExecutionStatus::Failed => Err(failed(&execution)),
        Some(execution) => Ok(HttpResponse::Ok()
            .insert_header(("preference-applied", "wait"))
            .json(One { data: ExecutionView::whole(execution) })),
    }
}

#[derive(Serialize)]
struct One<T> {
    data: T,
}

/// An execution that will run.
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedExecution)]
pub(in crate::http) struct AcceptedView {
    id: String,
    workflow_id: String,
    conversation_id: String,
    /// `accepted`
    status: &'static str,
}

/// What is known before anything ran.
pub(super) struct Accepted {
    pub workflow: WorkflowId,
    pub execution: ExecutionId,
    pub conversation: ConversationId,
}

impl Accepted {
    pub fn response(&self) -> HttpResponse {
        HttpResponse::Accepted().json(One {
            data: AcceptedView {
                id: self.execution.to_string(),
                workflow_id: self.workflow.to_string(),
                conversation_id: self.conversation.to_string(),
                status: "accepted",
            },
        })
    }
}

fn not_active() -> ApiError {
    ApiError::because(ErrorCode::Conflict, "The workflow is not active")
}

fn refused(reason: &str) -> ApiError {
    match reason {
        "workflow_not_active" => not_active(),
        "with_person" => {
            ApiError::because(ErrorCode::Conflict, "A person has the conversation; release it first")
        }
        _ => ApiError::because(
            ErrorCode::Conflict,
            "The conversation waits inside a workflow; send \"replace\": true to end that",
        ),
    }
}

pub(super) fn failed(execution: &v1::Execution) -> ApiError {
    let id = ExecutionId::from_slice(&execution.id).map(|id| id.to_string()).unwrap_or_default();
    let error = execution.record.as_ref().and_then(|record| record.error.clone()).unwrap_or_default();
    let details = format!("{id} failed at node '{}' with {}: {}", error.node_id, error.code, error.message);
    ApiError::because(ErrorCode::WorkflowExecutionFailed, details)
}

fn read(document: &Value) -> Result<Start, ApiError> {
    let mut report = Report::default();
    let start = read_start(document, &mut report);
    Ok(report.into_result(start)?.0)
}

fn read_start(document: &Value, report: &mut Report) -> Option<Start> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let customer_id = fields::customer_id(&mut object, report);
    let channel = fields::channel(&mut object, false, report);
    let text = read_input(&mut object, report);
    let (replace, at) = object.get("replace");
    let replace = match replace {
        None => false,
        Some(Value::Bool(replace)) => *replace,
        Some(_) => {
            report.problem(&at, InvalidRequest, "must be true or false");
            false
        }
    };
    object.finish(report);
    Some(Start { customer_id: customer_id?, channel, text: text?, replace })
}

fn read_input(object: &mut Object<'_>, report: &mut Report) -> Option<String> {
    let (input, at) = object.get("input");
    let Some(input) = input else {
        report.problem(&at, MissingRequiredField, "Field 'input' is missing");
        return None;
    };
    let mut input = Object::read(input, &at, InvalidRequest, report)?;
    let text = fields::message(&mut input, report);
    input.finish(report);
    text
}
