//! `POST /v1/api-keys`: a key for the caller's own account.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use flow_model::document::Report;
use platform::clock;

use super::view::SecretView;
use super::{One, failed, fields};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::{Class, Quotas};
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "createApiKey",
    method: Method::POST,
    path: "/v1/api-keys",
    summary: "Create an API key",
    description: "Makes a key for the caller's own account. Its secret is in this answer and never to be had again. Limits may be lower than the account's, not higher. An account has 1000 keys that work at most.",
    level: Level::FullAccess,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "NewApiKey",
        optional: false,
        example: include_str!("../openapi/examples/new_api_key.json"),
    }),
    answers: &[Answer {
        status: 201,
        description: "The key and its secret",
        schema: Shape::One("ApiKeyWithSecret"),
        example: include_str!("../openapi/examples/api_key_with_secret.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

pub(in crate::http) async fn create(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let own = state.keys.account(*account).await.map_err(|error| failed(&error))?;
    let mut report = Report::default();
    let wanted = fields::new_key(&document, Quotas::USUAL.with(own.limits), clock::now_ms(), &mut report);
    let (wanted, _) = report.into_result(wanted)?;
    let (key, secret) = state.keys.create(*account, wanted).await.map_err(|error| failed(&error))?;
    let data = SecretView::new(key, &secret);
    Ok(HttpResponse::Created().insert_header((LOCATION, data.location())).json(One { data }))
}
