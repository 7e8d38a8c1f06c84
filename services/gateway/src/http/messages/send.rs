//! `POST /v1/messages`: accepted once the stream keeps it; handled once, however often it is sent.

use crate::http::operation::{Answer, Body, Operation, RequestHeader, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use contracts::ErrorCode;
use contracts::v1::{self, MessageState, Outcome, input::Kind};
use flow_model::document::{At, Object, Report};
use flow_model::limits::{MESSAGE_ID_CHARS_MAX, METADATA_BYTES_MAX};
use flow_model::problem::ProblemCode::InvalidRequest;
use flow_model::{Channel, ConversationId, ExecutionId, WorkflowId};
use platform::clock;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::fields;
use crate::auth::Account;
use crate::http::caller::Caller;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::executions::view::ExecutionView;
use crate::http::openapi::schemas;
use crate::http::query::Query;
use crate::http::{body, idempotent, prefer, workflows};
use crate::intake::NewInput;
use crate::key::Level;
use crate::state::State;

/// The body, read.
struct Posted {
    customer_id: String,
    channel: Channel,
    text: String,
    message_id: Option<String>,
    sent_at_ms: Option<i64>,
    workflow: Option<String>,
    metadata: Vec<u8>,
}

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "sendMessage",
    method: Method::POST,
    path: "/v1/messages",
    summary: "Send a message of a customer",
    description: "Goes on with the workflow that the conversation waits in, or starts the one whose trigger matches. 202 comes once the message is kept on disk. The same `message_id` twice is one message; `Idempotency-Key` serves as the `message_id` when there is none. With `Prefer: wait` the answer has the execution, when it is over in time.",
    level: Level::ReadWrite,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "NewMessage",
        optional: false,
        example: include_str!("../openapi/examples/new_message.json"),
    }),
    answers: &[
        Answer {
            status: 200,
            description: "What became of it, when the caller waits",
            schema: Shape::One("HandledMessage"),
            example: include_str!("../openapi/examples/handled_message.json"),
        },
        Answer {
            status: 202,
            description: "Accepted: it will be handled",
            schema: Shape::One("AcceptedMessage"),
            example: include_str!("../openapi/examples/accepted_message.json"),
        },
    ],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::WorkflowNotFound,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[RequestHeader::Prefer],
};

pub(in crate::http) async fn send(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (wait, deadline) = (prefer::wait(&request)?, Deadline::of(&request));
    // The key serves as the message's id when the sender gives none, so that the runner notices a repetition, too.
    let key = idempotent::key(request.headers())?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let message = read(&document)?;
    let given = message.message_id.or(key);
    let message_id = given.unwrap_or_else(|| format!("message-{}", clock::new_uuid_v7()));
    let workflow = match message.workflow.as_deref() {
        Some(text) => Some(workflow_of(&state, account, text).await?),
        None => None,
    };
    let kind = Kind::Message(v1::InboundMessage {
        message_id: message_id.clone(),
        text: message.text,
        sent_at_ms: message.sent_at_ms,
        workflow_id: workflow.map(|id| id.to_vec().into()).unwrap_or_default(),
        metadata_json: message.metadata.into(),
    });
    let patience = wait.map(|longest| {
        let asked = v1::GetMessageRequest {
            account_id: account.to_vec().into(),
            channel: message.channel.as_str().to_owned(),
            customer_id: message.customer_id.clone(),
            message_id: message_id.clone(),
        };
        (longest, asked)
    });
    let input =
        NewInput { account: *account, channel: message.channel, customer_id: message.customer_id, kind };
    let minted = state.intake.mint(input)?;
    let told = Told { message_id, conversation: minted.conversation, execution: minted.execution };
    let Some((longest, asked)) = patience else {
        state.intake.accept(minted).await?;
        return Ok(told.accepted());
    };
    let waiter = state.intake.accept_and_hear(minted).await?;
    let answer = waiter.wait(deadline.wait(longest)).await;
    let told_of = async {
        match answer {
            Some(answer) => told.answered(&state, account, answer).await,
            None => told.looked_up(&state, account, &asked).await,
        }
    };
    let in_time = tokio::time::timeout(deadline.look_up(), told_of).await;
    Ok(in_time.unwrap_or_else(|_| told.accepted()))
}

#[derive(Serialize)]
struct One<T> {
    data: T,
}

/// A message that will be handled.
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedMessage)]
pub(in crate::http) struct AcceptedView {
    message_id: String,
    conversation_id: String,
    /// `accepted`
    status: &'static str,
}

/// What became of a message whose sender waited.
#[derive(Serialize, ToSchema)]
#[schema(as = HandledMessage)]
pub(in crate::http) struct HandledView {
    message_id: String,
    conversation_id: String,
    #[schema(value_type = schemas::MessageStatus)]
    status: &'static str,
    /// Null when no workflow took the message, or the one that did was deleted since.
    #[schema(required)]
    execution: Option<ExecutionView>,
    /// Why there is no execution, such as `no_matching_workflow`, `workflow_deleted` or `in_dead_letters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<String>,
}

/// What the caller is told of its message.
struct Told {
    message_id: String,
    conversation: ConversationId,
    /// The execution that it has unless it is a repetition.
    execution: ExecutionId,
}

impl Told {
    fn accepted(&self) -> HttpResponse {
        HttpResponse::Accepted().json(One {
            data: AcceptedView {
                message_id: self.message_id.clone(),
                conversation_id: self.conversation.to_string(),
                status: "accepted",
            },
        })
    }

    async fn answered(&self, state: &State, account: Account, answer: v1::Answer) -> HttpResponse {
        match (answer.outcome(), answer.execution) {
            (Outcome::Executed, Some(execution)) => self.handled(state, account, execution).await,
            (Outcome::Dead, _) => self.without_execution("dead", super::IN_DEAD_LETTERS),
            (Outcome::Done, _) => self.without_execution("handled", super::WITH_PERSON),
            (Outcome::Ignored, _) => self.without_execution("ignored", "no_matching_workflow"),
            (Outcome::Executed | Outcome::Refused | Outcome::Unspecified, _) => self.accepted(),
        }
    }

    /// A repetition is answered with the first one's execution, whose workflow may be gone since.
    async fn handled(&self, state: &State, account: Account, execution: v1::Execution) -> HttpResponse {
        let own = ExecutionId::from_slice(&execution.id).is_ok_and(|id| id == self.execution);
        if !own && let Ok(workflow) = WorkflowId::from_slice(&execution.workflow_id) {
            match workflows::is_deleted(state, account, workflow).await {
                Ok(true) => return self.without_execution("handled", workflows::WORKFLOW_DELETED),
                Ok(false) => {}
                Err(_) => return self.accepted(),
            }
        }
        self.waited("handled", Some(ExecutionView::whole(execution)), None)
    }

    fn without_execution(&self, status: &'static str, reason: &str) -> HttpResponse {
        self.waited(status, None, Some(reason.to_owned()))
    }

    fn waited(
        &self,
        status: &'static str,
        execution: Option<ExecutionView>,
        reason: Option<String>,
    ) -> HttpResponse {
        let data = HandledView {
            message_id: self.message_id.clone(),
            conversation_id: self.conversation.to_string(),
            status,
            execution,
            reason,
        };
        HttpResponse::Ok().insert_header(("preference-applied", "wait")).json(One { data })
    }

    /// Asks once what became of the message: the answer may have been lost on its way.
    async fn looked_up(
        &self,
        state: &State,
        account: Account,
        asked: &v1::GetMessageRequest,
    ) -> HttpResponse {
        let Ok(found) = state.services.message(asked).await else { return self.accepted() };
        match found.state() {
            MessageState::Handled => {
                let ids = WorkflowId::from_slice(&found.workflow_id)
                    .and_then(|workflow| Ok((workflow, ExecutionId::from_slice(&found.execution_id)?)));
                let Ok((workflow, execution)) = ids else { return self.accepted() };
                match state.services.execution(account, workflow, execution).await {
                    Ok(execution) => self.handled(state, account, execution).await,
                    Err(_) => self.accepted(),
                }
            }
            MessageState::WithPerson => self.without_execution("handled", super::WITH_PERSON),
            MessageState::Ignored => self.without_execution("ignored", "no_matching_workflow"),
            MessageState::Dead => self.without_execution("dead", super::IN_DEAD_LETTERS),
            MessageState::Accepted | MessageState::Unspecified => self.accepted(),
        }
    }
}

async fn workflow_of(state: &State, account: Account, text: &str) -> Result<WorkflowId, ApiError> {
    let id = workflows::id_of(text)?;
    state.services.workflow(account, id).await?;
    Ok(id)
}

fn read(document: &Value) -> Result<Posted, ApiError> {
    let mut report = Report::default();
    let message = read_message(document, &mut report);
    Ok(report.into_result(message)?.0)
}

fn read_message(document: &Value, report: &mut Report) -> Option<Posted> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let customer_id = fields::customer_id(&mut object, report);
    let channel = fields::channel(&mut object, true, report);
    let text = fields::message(&mut object, report);
    let message_id = read_message_id(&mut object, report);
    let sent_at_ms = read_sent_at(&mut object, report);
    let (workflow, _) = object.text("workflow_id", InvalidRequest, report);
    let metadata = read_metadata(&mut object, report);
    object.finish(report);
    Some(Posted {
        customer_id: customer_id?,
        channel: channel?,
        text: text?,
        message_id,
        sent_at_ms,
        workflow: workflow.map(str::to_owned),
        metadata,
    })
}

fn read_message_id(object: &mut Object<'_>, report: &mut Report) -> Option<String> {
    let (text, at) = object.text("message_id", InvalidRequest, report);
    let text = text?;
    if text.is_empty() {
        report.problem(&at, InvalidRequest, "is empty");
        return None;
    }
    fields::identifier(text, &at, MESSAGE_ID_CHARS_MAX, report)
}

fn read_sent_at(object: &mut Object<'_>, report: &mut Report) -> Option<i64> {
    let (text, at): (Option<&str>, At) = object.text("sent_at", InvalidRequest, report);
    let time = DateTime::parse_from_rfc3339(text?);
    if time.is_err() {
        report.problem(&at, InvalidRequest, "must be a time such as 2024-01-31T10:30:00Z");
    }
    time.ok().map(|time| time.timestamp_millis())
}

fn read_metadata(object: &mut Object<'_>, report: &mut Report) -> Vec<u8> {
    let (value, at) = object.get("metadata");
    let Some(value) = value else { return Vec::new() };
    if !value.is_object() {
        report.problem(&at, InvalidRequest, "must be an object");
        return Vec::new();
    }
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    if bytes.len() > METADATA_BYTES_MAX {
        report.problem(&at, InvalidRequest, format!("is larger than {METADATA_BYTES_MAX} bytes"));
    }
    bytes
}
