//! `POST /v1/conversations/{conversation_id}/release`: the bot has it again.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, command::Kind};

use super::view::ConversationView;
use super::{One, steer};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "releaseConversation",
    method: Method::POST,
    path: "/v1/conversations/{conversation_id}/release",
    summary: "Give a conversation back to the bot",
    description: "A flow that has handed it over goes on after its handoff, in an execution of its own. Once more it changes nothing.",
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
        description: "The conversation",
        schema: Shape::One("Conversation"),
        example: include_str!("../openapi/examples/cancelled_conversation.json"),
    }],
    errors: &[ErrorCode::ConversationNotFound, ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType],
    headers: &[],
};

pub(in crate::http) async fn release(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (id, deadline) = (super::id_of(&path)?, Deadline::of(&request));
    body::nothing(&request, payload, state.body_bytes_max).await?;
    let conversation = state.services.conversation(account, id).await?;
    steer::obey(&state, account, &conversation, Kind::Release(v1::Release {}), deadline).await?;
    let conversation = state.services.conversation(account, id).await?;
    Ok(HttpResponse::Ok().json(One { data: ConversationView::whole(conversation) }))
}
