//! `GET /v1/oauth-clients/{oauth_client_id}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::view::ClientView;
use super::{One, failed};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getOAuthClient",
    method: Method::GET,
    path: "/v1/oauth-clients/{oauth_client_id}",
    summary: "Get an OAuth client",
    description: "A client of the account. Nobody can read its secret.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The client",
        schema: Shape::One("OAuthClient"),
        example: include_str!("../openapi/examples/oauth_client.json"),
    }],
    errors: &[ErrorCode::OAuthClientNotFound],
    headers: &[],
};

pub(in crate::http) async fn get(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    let client = state.oauth.get(*account, id).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(One { data: ClientView::new(client) }))
}
