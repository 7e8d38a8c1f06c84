//! `GET /v1/messages/{message_id}?channel=…&customer_id=…`: what became of a message.

use crate::http::operation::{Answer, CHANNEL, Kind, Operation, Parameter, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, MessageState};
use flow_model::limits::{CUSTOMER_ID_CHARS_MAX, MESSAGE_ID_CHARS_MAX};
use flow_model::{ConversationId, ExecutionId, WorkflowId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::schemas;
use crate::http::openapi::texts::NO_CONTROLS;
use crate::http::query::Query;
use crate::http::workflows;
use crate::key::Level;
use crate::state::State;

#[derive(Serialize)]
struct One {
    data: MessageView,
}

/// What became of a message.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageState)]
pub(in crate::http) struct MessageView {
    message_id: String,
    conversation_id: String,
    #[schema(value_type = schemas::MessageStatus)]
    status: &'static str,
    /// Present when it was handled, unless its workflow was deleted since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    workflow_id: Option<String>,
    /// `no_matching_workflow` when it was ignored; `workflow_deleted` when it was handled by a workflow that is gone;
    /// `in_dead_letters` when it is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<&'static str>,
}

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getMessage",
    method: Method::GET,
    path: "/v1/messages/{message_id}",
    summary: "Get what became of a message",
    description: "By the id that its sender gave it, which is unique for a channel and a customer.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[
        Parameter { required: true, ..CHANNEL },
        Parameter {
            name: "customer_id",
            description: "The customer who wrote it",
            required: true,
            kind: Kind::Text {
                chars_max: CUSTOMER_ID_CHARS_MAX,
                pattern: NO_CONTROLS,
                example: "customer-456",
            },
        },
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "What became of it",
        schema: Shape::One("MessageState"),
        example: include_str!("../openapi/examples/message.json"),
    }],
    errors: &[ErrorCode::MessageNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let missing = |name: &str| ApiError::invalid(name, format!("The parameter '{name}' is missing"));
    let channel = query.channel()?.ok_or_else(|| missing("channel"))?;
    let customer_id = query.text("customer_id")?.ok_or_else(|| missing("customer_id"))?;
    let message_id = path.into_inner();
    let unknown = || ApiError::of(ErrorCode::MessageNotFound);
    let fits =
        |text: &str, chars_max| text.chars().count() <= chars_max && !text.chars().any(char::is_control);
    if !fits(customer_id, CUSTOMER_ID_CHARS_MAX) || !fits(&message_id, MESSAGE_ID_CHARS_MAX) {
        return Err(unknown());
    }
    let asked = v1::GetMessageRequest {
        account_id: account.to_vec().into(),
        channel: channel.as_str().to_owned(),
        customer_id: customer_id.to_owned(),
        message_id: message_id.clone(),
    };
    let found = state.services.message(&asked).await?;
    let (status, reason) = match found.state() {
        MessageState::Unspecified => return Err(unknown()),
        MessageState::Accepted => ("accepted", None),
        MessageState::Handled => ("handled", None),
        MessageState::Ignored => ("ignored", Some("no_matching_workflow")),
        MessageState::WithPerson => ("handled", Some(super::WITH_PERSON)),
        MessageState::Dead => ("dead", Some(super::IN_DEAD_LETTERS)),
    };
    let mut data = MessageView {
        message_id,
        conversation_id: ConversationId::of(*account, channel.as_str(), customer_id).to_string(),
        status,
        execution_id: ExecutionId::from_slice(&found.execution_id).ok().map(|id| id.to_string()),
        workflow_id: WorkflowId::from_slice(&found.workflow_id).ok().map(|id| id.to_string()),
        reason,
    };
    if let Ok(workflow) = WorkflowId::from_slice(&found.workflow_id)
        && workflows::is_deleted(&state, account, workflow).await?
    {
        (data.execution_id, data.workflow_id, data.reason) = (None, None, Some(workflows::WORKFLOW_DELETED));
    }
    Ok(HttpResponse::Ok().json(One { data }))
}
