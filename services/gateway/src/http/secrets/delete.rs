//! `DELETE /v1/secrets/{name}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::sealer;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::http::workflows::delete::DeletedView;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "deleteSecret",
    method: Method::DELETE,
    path: "/v1/secrets/{name}",
    summary: "Delete a secret",
    description: "Calls that need it fail from now on.",
    level: Level::FullAccess,
    class: Class::Delete,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "It is gone",
        schema: Shape::Plain("Deleted"),
        example: include_str!("../openapi/examples/deleted_secret.json"),
    }],
    errors: &[ErrorCode::SecretNotFound, ErrorCode::SecretsNotConfigured],
    headers: &[],
};

pub(in crate::http) async fn delete(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    sealer(&state)?;
    // What is not a name names nothing.
    let name = path.parse().map_err(|_| ApiError::of(ErrorCode::SecretNotFound))?;
    state.services.delete_secret(account, &name).await?;
    Ok(HttpResponse::Ok().json(DeletedView { message: "Secret deleted successfully" }))
}
