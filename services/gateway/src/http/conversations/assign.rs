//! `POST /v1/conversations/{conversation_id}/assign`: a person has it, and the bot is silent.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, command::Kind};
use flow_model::document::{At, Object, Report};
use flow_model::duration;
use flow_model::problem::ProblemCode::InvalidRequest;
use serde_json::Value;

use super::view::ConversationView;
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

/// Characters of a team's or a person's name.
pub(in crate::http) const NAME_CHARS_MAX: usize = 128;
/// Characters of what a person should know.
pub(in crate::http) const NOTE_CHARS_MAX: usize = 4096;
/// The longest time without an act of a person, milliseconds: a year.
const RETURN_AFTER_MS_MAX: i64 = 366 * 24 * 60 * 60 * 1000;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "assignConversation",
    method: Method::POST,
    path: "/v1/conversations/{conversation_id}/assign",
    summary: "Give a conversation to a person",
    description: "The bot is silent until it is released, or until nobody has done anything for `return_after`. What the bot was about to say is not said: a flow is over, unless it has handed the conversation over itself; a running execution has failed with `HANDED_OVER`. What the customer says meanwhile is kept, and told as `message.received`.",
    level: Level::ReadWrite,
    class: Class::Execution,
    query: &[],
    body: Some(Body {
        schema: "Assignment",
        optional: false,
        example: include_str!("../openapi/examples/assignment.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "The conversation",
        schema: Shape::One("Conversation"),
        example: include_str!("../openapi/examples/assigned_conversation.json"),
    }],
    errors: &[ErrorCode::ConversationNotFound, ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType],
    headers: &[],
};

pub(in crate::http) async fn assign(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (id, deadline) = (super::id_of(&path)?, Deadline::of(&request));
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let assignment = read(&document)?;
    let conversation = state.services.conversation(account, id).await?;
    steer::obey(&state, account, &conversation, Kind::Assign(assignment), deadline).await?;
    let conversation = state.services.conversation(account, id).await?;
    Ok(HttpResponse::Ok().json(One { data: ConversationView::whole(conversation) }))
}

fn read(document: &Value) -> Result<v1::Assign, ApiError> {
    let mut report = Report::default();
    let read = read_fields(document, &mut report);
    Ok(report.into_result(read)?.0)
}

fn read_fields(document: &Value, report: &mut Report) -> Option<v1::Assign> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let team = fields::optional_name(&mut object, "team", NAME_CHARS_MAX, report);
    let agent = fields::optional_name(&mut object, "agent", NAME_CHARS_MAX, report);
    let note = fields::optional_text(&mut object, "note", NOTE_CHARS_MAX, report);
    let (text, at) = object.text("return_after", InvalidRequest, report);
    let return_after_ms = text.map(|text| {
        let known = duration::parse_ms(text).filter(|ms| (1..=RETURN_AFTER_MS_MAX).contains(ms));
        known.unwrap_or_else(|| {
            report.problem(&at, InvalidRequest, "must be a duration such as 30m or PT8H, at most 366 days");
            0
        })
    });
    object.finish(report);
    let (team, agent, note) = (team.unwrap_or_default(), agent.unwrap_or_default(), note.unwrap_or_default());
    Some(v1::Assign { team, agent, note, return_after_ms: return_after_ms.unwrap_or(0) })
}
