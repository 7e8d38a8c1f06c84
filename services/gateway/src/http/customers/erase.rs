//! `DELETE /v1/customers/{customer_id}`: forgets a customer.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, command::Kind};
use flow_model::limits::CUSTOMER_ID_CHARS_MAX;
use platform::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::caller::Caller;
use crate::http::conversations::steer;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::{LIMIT_MAX, Query};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "eraseCustomer",
    method: Method::DELETE,
    path: "/v1/customers/{customer_id}",
    summary: "Erase a customer's data",
    description: "Ends the customer's conversations and erases what they know, everything that was said, and dead letters. Executions stay as numbers without a customer, so that lists and metrics go on to agree. Copies on the bus go with their streams, what commits had to tell within 72 hours. It can be asked for again, also when it was cut off.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "What went",
        schema: Shape::One("ErasedCustomer"),
        example: include_str!("../openapi/examples/erased_customer.json"),
    }],
    errors: &[],
    headers: &[],
};

/// What went of a customer.
#[derive(Serialize, Default, ToSchema)]
#[schema(as = ErasedCustomer)]
pub(in crate::http) struct ErasedView {
    customer_id: String,
    /// Forgotten, with their variables and timers.
    conversations: u64,
    /// That are numbers only from now on.
    executions: u64,
    /// Texts of the customer, the bot and people.
    messages: u64,
    dead_letters: u64,
}

#[derive(Serialize)]
struct One {
    data: ErasedView,
}

pub(in crate::http) async fn erase(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let (customer_id, deadline) = (path.into_inner(), Deadline::of(&request));
    if customer_id.chars().count() > CUSTOMER_ID_CHARS_MAX || customer_id.chars().any(char::is_control) {
        // No customer has such a name.
        return Ok(HttpResponse::Ok().json(One { data: ErasedView { customer_id, ..ErasedView::default() } }));
    }
    let account_id = bytes::Bytes::from(account.to_vec());
    let wanted = v1::ListConversationsRequest {
        account_id: account_id.clone(),
        page: 1,
        limit: LIMIT_MAX,
        customer_id: customer_id.clone(),
        ..v1::ListConversationsRequest::default()
    };
    let mut data = ErasedView { customer_id: customer_id.clone(), ..ErasedView::default() };
    for conversation in state.services.list_conversations(&wanted).await?.conversations {
        steer::obey(&state, account, &conversation, Kind::Erase(v1::Erase {}), deadline).await?;
        data.conversations += 1;
    }
    let wanted = v1::EraseCustomerRequest {
        account_id,
        customer_id,
        erased_as: format!("erased-{}", clock::new_uuid_v4()),
    };
    loop {
        let erased = state.services.erase_customer(&wanted).await?;
        data.executions += erased.executions;
        data.messages += erased.messages;
        data.dead_letters += erased.dead_letters;
        if erased.done {
            return Ok(HttpResponse::Ok().json(One { data }));
        }
        if deadline.look_up().is_zero() {
            let details = "There is more than fits into one request: ask again to go on";
            return Err(ApiError::because(ErrorCode::ServiceUnavailable, details));
        }
    }
}
