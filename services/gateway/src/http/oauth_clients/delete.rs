//! `DELETE /v1/oauth-clients/{oauth_client_id}`: it is gone, and so is all that it was given.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::failed;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::http::workflows::delete::DeletedView;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "deleteOAuthClient",
    method: Method::DELETE,
    path: "/v1/oauth-clients/{oauth_client_id}",
    summary: "Remove an OAuth client",
    description: "Removes a client with all its tokens: within a second every gateway refuses them.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "It is removed",
        schema: Shape::Plain("Deleted"),
        example: include_str!("../openapi/examples/deleted_oauth_client.json"),
    }],
    errors: &[ErrorCode::OAuthClientNotFound],
    headers: &[],
};

pub(in crate::http) async fn delete(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    state.oauth.remove(*account, id).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(DeletedView { message: "OAuth client deleted successfully" }))
}
