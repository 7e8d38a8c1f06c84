//! `GET /v1/secrets`: their names.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{SecretView, sealer};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listSecrets",
    method: Method::GET,
    path: "/v1/secrets",
    summary: "List the secrets",
    description: "Names and times of the account's secrets, by name. Nobody can read their values.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "All secrets",
        schema: Shape::One("Secrets"),
        example: include_str!("../openapi/examples/secrets.json"),
    }],
    errors: &[ErrorCode::SecretsNotConfigured],
    headers: &[],
};

/// All secrets of the account.
#[derive(Serialize, ToSchema)]
#[schema(as = Secrets)]
pub(in crate::http) struct SecretsView {
    /// By name.
    #[schema(max_items = 200)]
    secrets: Vec<SecretView>,
}

#[derive(Serialize)]
struct One {
    data: SecretsView,
}

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    sealer(&state)?;
    let found = state.services.secrets(account).await?;
    let secrets = found.secrets.into_iter().map(SecretView::new).collect();
    Ok(HttpResponse::Ok().json(One { data: SecretsView { secrets } }))
}
