//! `GET /v1/conversations/{conversation_id}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::One;
use super::view::ConversationView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getConversation",
    method: Method::GET,
    path: "/v1/conversations/{conversation_id}",
    summary: "Get a conversation",
    description: "Who has it, what it is in, what it waits for and until when.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The conversation",
        schema: Shape::One("Conversation"),
        example: include_str!("../openapi/examples/conversation.json"),
    }],
    errors: &[ErrorCode::ConversationNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let conversation = state.services.conversation(account, super::id_of(&path)?).await?;
    Ok(HttpResponse::Ok().json(One { data: ConversationView::whole(conversation) }))
}
