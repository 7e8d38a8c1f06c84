//! `GET /v1/dead-letters`: newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1::{self, DeadLetterStatus};

use super::view::DeadLetterView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, CURSOR, Kind, LIMIT, Operation, PAGE, Parameter, Shape};
use crate::http::query::Query;
use crate::http::workflows::list::{Listed, Pagination};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

const STATUSES: [(&str, DeadLetterStatus); 2] =
    [("open", DeadLetterStatus::Open), ("retried", DeadLetterStatus::Retried)];

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listDeadLetters",
    method: Method::GET,
    path: "/v1/dead-letters",
    summary: "List dead letters",
    description: "Inputs of the account that could not be handled and were put aside, so that others go on. Newest first; without payloads. Of what cannot be read nobody knows whose it is: the account `default` sees it.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[
        PAGE,
        LIMIT,
        Parameter {
            name: "status",
            description: "Filter by status",
            required: false,
            kind: Kind::Choice(&["open", "retried"]),
        },
        CURSOR,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of dead letters",
        schema: Shape::List("DeadLetter"),
        example: include_str!("../openapi/examples/dead_letters.json"),
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
    let status = query.choice("status", &STATUSES)?.unwrap_or(DeadLetterStatus::Unspecified);
    let wanted = v1::ListDeadLettersRequest {
        account_id: account.to_vec().into(),
        page: page.number,
        limit: page.limit,
        cursor: page.cursor.clone(),
        status: status.into(),
    };
    let found = state.services.list_dead_letters(&wanted).await?;
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    let data = found.dead_letters.into_iter().map(DeadLetterView::brief).collect();
    Ok(HttpResponse::Ok().json(Listed::<DeadLetterView> { data, pagination }))
}
