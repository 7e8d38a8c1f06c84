//! `POST /v1/conversations/{conversation_id}/messages`: a person says something to the customer.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, command::Kind};
use flow_model::MessageId;
use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode::InvalidRequest;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::assign::NAME_CHARS_MAX;
use super::{One, steer};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::messages::fields;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "sendConversationMessage",
    method: Method::POST,
    path: "/v1/conversations/{conversation_id}/messages",
    summary: "Say something to the customer",
    description: "For the person who has the conversation: it goes to the channel like a reply of the bot, and is told as `message.sent`. 409 while the bot has the conversation.",
    level: Level::ReadWrite,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "NewConversationMessage",
        optional: false,
        example: include_str!("../openapi/examples/new_conversation_message.json"),
    }),
    answers: &[Answer {
        status: 202,
        description: "It is on its way",
        schema: Shape::One("SentMessage"),
        example: include_str!("../openapi/examples/sent_message.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::ConversationNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

/// What a person says is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = SentMessage)]
pub(in crate::http) struct SentView {
    #[schema(examples("message-01a20acf-9d55-740b-a930-a6d23b7b2563"))]
    id: String,
    conversation_id: String,
    /// `sent`, or `accepted` when it is not known in time whether it could be.
    status: &'static str,
}

pub(in crate::http) async fn say(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (id, deadline) = (super::id_of(&path)?, Deadline::of(&request));
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let said = read(&document)?;
    let conversation = state.services.conversation(account, id).await?;
    let minted = steer::mint(&state, account, &conversation, Kind::Say(said))?;
    let message = MessageId::new(*minted.execution.as_uuid()).to_string();
    let status = match steer::send(&state, minted, deadline).await? {
        Some(_) => "sent",
        None => "accepted",
    };
    let data = SentView { id: message, conversation_id: id.to_string(), status };
    Ok(HttpResponse::Accepted().json(One { data }))
}

fn read(document: &Value) -> Result<v1::Say, ApiError> {
    let mut report = Report::default();
    let read = read_fields(document, &mut report);
    Ok(report.into_result(read)?.0)
}

fn read_fields(document: &Value, report: &mut Report) -> Option<v1::Say> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let text = fields::message(&mut object, report);
    let agent = fields::optional_name(&mut object, "agent", NAME_CHARS_MAX, report);
    object.finish(report);
    Some(v1::Say { text: text?, agent: agent.unwrap_or_default() })
}
