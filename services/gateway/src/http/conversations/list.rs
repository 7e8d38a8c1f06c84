//! `GET /v1/conversations`: those that began last first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1::{self, Owner};
use flow_model::limits::CUSTOMER_ID_CHARS_MAX;

use super::view::ConversationView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::texts::NO_CONTROLS;
use crate::http::operation::{Answer, CHANNEL, CURSOR, Kind, LIMIT, Operation, PAGE, Parameter, Shape};
use crate::http::query::Query;
use crate::http::workflows::list::{Listed, Pagination};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

const OWNERS: [(&str, Owner); 2] = [("bot", Owner::Bot), ("human", Owner::Person)];

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listConversations",
    method: Method::GET,
    path: "/v1/conversations",
    summary: "List conversations",
    description: "Those that began last first; without their variables.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[
        PAGE,
        LIMIT,
        Parameter {
            name: "customer_id",
            description: "Only of this customer",
            required: false,
            kind: Kind::Text {
                chars_max: CUSTOMER_ID_CHARS_MAX,
                pattern: NO_CONTROLS,
                example: "customer-456",
            },
        },
        CHANNEL,
        Parameter {
            name: "owner",
            description: "Only those that the bot has, or a person",
            required: false,
            kind: Kind::Choice(&["bot", "human"]),
        },
        CURSOR,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of conversations",
        schema: Shape::List("ConversationSummary"),
        example: include_str!("../openapi/examples/conversations.json"),
    }],
    errors: &[],
    headers: &[],
};

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let page = query.page()?;
    let channel = query.channel()?.map(|channel| channel.as_str().to_owned()).unwrap_or_default();
    let wanted = v1::ListConversationsRequest {
        account_id: account.to_vec().into(),
        page: page.number,
        limit: page.limit,
        cursor: page.cursor.clone(),
        customer_id: query.customer()?,
        channel,
        owner: query.choice("owner", &OWNERS)?.unwrap_or(Owner::Unspecified).into(),
    };
    let found = state.services.list_conversations(&wanted).await?;
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    let data = found.conversations.into_iter().map(ConversationView::brief).collect();
    Ok(HttpResponse::Ok().json(Listed::<ConversationView> { data, pagination }))
}
