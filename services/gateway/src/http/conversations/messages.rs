//! `GET /v1/conversations/{conversation_id}/messages`: what was said, newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{ErrorCode, v1};
use serde::Serialize;

use super::Onward;
use super::view::SaidView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, CURSOR, LIMIT, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listConversationMessages",
    method: Method::GET,
    path: "/v1/conversations/{conversation_id}/messages",
    summary: "List what was said in a conversation",
    description: "By the customer, the bot and people, newest first. A page may be shorter than `limit` when its texts are long: `pagination.next_cursor` says whether there is more.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[LIMIT, CURSOR],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of messages",
        schema: Shape::Onward("ConversationMessage"),
        example: include_str!("../openapi/examples/conversation_messages.json"),
    }],
    errors: &[ErrorCode::ConversationNotFound],
    headers: &[],
};

#[derive(Serialize)]
struct Listed {
    data: Vec<SaidView>,
    pagination: Onward,
}

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let page = Query::of(&request, &OPERATION)?.page()?;
    let wanted = v1::ListConversationMessagesRequest {
        account_id: account.to_vec().into(),
        conversation_id: super::id_of(&path)?.to_vec().into(),
        limit: page.limit,
        cursor: page.cursor,
    };
    let found = state.services.conversation_messages(&wanted).await?;
    let next_cursor = Some(found.next_cursor).filter(|cursor| !cursor.is_empty());
    let data = found.messages.into_iter().map(SaidView::from).collect();
    let pagination = Onward { limit: page.limit, next_cursor };
    Ok(HttpResponse::Ok().json(Listed { data, pagination }))
}
