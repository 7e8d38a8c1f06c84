//! `GET /v1/api-keys`: newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::failed;
use super::view::KeyView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::listing::Listing;
use crate::http::operation::{Answer, CURSOR, Kind, LIMIT, Operation, PAGE, Parameter, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::keys::KeyStatus;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listApiKeys",
    method: Method::GET,
    path: "/v1/api-keys",
    summary: "List the API keys",
    description: "All keys of the account, also those that are expired or revoked, newest first. Nobody can read their secrets.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[
        PAGE,
        LIMIT,
        Parameter {
            name: "status",
            description: "Filter by status",
            required: false,
            kind: Kind::Choice(&["active", "expired", "revoked"]),
        },
        CURSOR,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of keys",
        schema: Shape::List("ApiKey"),
        example: include_str!("../openapi/examples/api_keys.json"),
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
    let status = query.choice("status", &KeyStatus::ALL.map(|status| (status.as_str(), status)))?;
    let listing = Listing::new('k', *account, &[status.map_or("", KeyStatus::as_str)], page)?;
    let found = state.keys.list(*account, status, listing.span()).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(listing.answer(found, |key| *key.id.as_uuid(), KeyView::new)))
}
