//! `GET /v1/conversations/{conversation_id}/events`: what happened, by number.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{ErrorCode, v1};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Kind, LIMIT, Operation, Parameter, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

/// The highest number that an event can have here.
const SEQ_MAX: u32 = 2_147_483_647;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listConversationEvents",
    method: Method::GET,
    path: "/v1/conversations/{conversation_id}/events",
    summary: "List what happened in a conversation",
    description: "Events after the one with the number `after_seq`, oldest first. Numbers have no hole: whoever has all up to `last_seq` has all. `data` is that of the event on the bus, without what names it there.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[
        Parameter {
            name: "after_seq",
            description: "Only events after this one",
            required: false,
            kind: Kind::Number { min: 0, max: SEQ_MAX, default: 0 },
        },
        LIMIT,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "Events",
        schema: Shape::Plain("ConversationEvents"),
        example: include_str!("../openapi/examples/conversation_events.json"),
    }],
    errors: &[ErrorCode::ConversationNotFound],
    headers: &[],
};

/// Events of one conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationEvents)]
pub(in crate::http) struct EventsView {
    #[schema(value_type = Vec<EventView>)]
    data: Vec<Box<RawValue>>,
    /// The number of the conversation's last event.
    last_seq: u64,
}

/// One event.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationEvent)]
pub(in crate::http) struct EventView {
    /// Counts the events of the conversation from 1, without a hole.
    #[schema(minimum = 1)]
    conversation_seq: u64,
    /// Such as `message.received`.
    r#type: String,
    #[schema(format = DateTime)]
    time: String,
    /// What happened; its members depend on `type`.
    data: std::collections::BTreeMap<String, serde_json::Value>,
}

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let after_seq = query.number("after_seq", 0, SEQ_MAX)?.unwrap_or(0);
    let wanted = v1::ConversationEventsRequest {
        account_id: account.to_vec().into(),
        conversation_id: super::id_of(&path)?.to_vec().into(),
        after_seq: after_seq.into(),
        limit: query.page()?.limit,
    };
    let found = state.services.conversation_events(&wanted).await?;
    let json = |event: bytes::Bytes| RawValue::from_string(String::from_utf8(event.to_vec()).ok()?).ok();
    let data = found.events_json.into_iter().filter_map(json).collect();
    Ok(HttpResponse::Ok().json(EventsView { data, last_seq: found.last_seq }))
}
