//! `DELETE /v1/api-keys/{api_key_id}`: it lets nobody in any more.

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
    id: "revokeApiKey",
    method: Method::DELETE,
    path: "/v1/api-keys/{api_key_id}",
    summary: "Revoke an API key",
    description: "Ends a key with all its secrets, for ever: within a second every gateway refuses it, and all tokens of OAuth clients that were consented to with it. Also the key that asks. It can still be seen. One that is revoked already stays so.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "It is revoked",
        schema: Shape::Plain("Deleted"),
        example: include_str!("../openapi/examples/revoked_api_key.json"),
    }],
    errors: &[ErrorCode::ApiKeyNotFound],
    headers: &[],
};

pub(in crate::http) async fn revoke(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    state.keys.revoke(*account, id).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(DeletedView { message: "API key revoked successfully" }))
}
