//! `GET /v1/api-keys/{api_key_id}`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::view::KeyView;
use super::{One, failed};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getApiKey",
    method: Method::GET,
    path: "/v1/api-keys/{api_key_id}",
    summary: "Get an API key",
    description: "A key of the account, also one that is expired or revoked. Nobody can read its secret.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The key",
        schema: Shape::One("ApiKey"),
        example: include_str!("../openapi/examples/api_key.json"),
    }],
    errors: &[ErrorCode::ApiKeyNotFound],
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
    let key = state.keys.get(*account, id).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(One { data: KeyView::new(key) }))
}
