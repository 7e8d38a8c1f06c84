//! `GET /v1/oauth-clients`: newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::failed;
use super::view::ClientView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::listing::Listing;
use crate::http::operation::{Answer, CURSOR, LIMIT, Operation, PAGE, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listOAuthClients",
    method: Method::GET,
    path: "/v1/oauth-clients",
    summary: "List the OAuth clients",
    description: "All programs that may act for the account by OAuth 2.0, newest first. Nobody can read their secrets.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[PAGE, LIMIT, CURSOR],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of clients",
        schema: Shape::List("OAuthClient"),
        example: include_str!("../openapi/examples/oauth_clients.json"),
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
    let listing = Listing::new('o', *account, &[], query.page()?)?;
    let found = state.oauth.list(*account, listing.span()).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(listing.answer(found, |client| *client.id.as_uuid(), ClientView::new)))
}
