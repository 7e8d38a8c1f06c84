//! `POST /v1/oauth-clients`: a client that may act for the caller's own account.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use flow_model::document::Report;

use super::view::SecretView;
use super::{One, failed, fields};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "createOAuthClient",
    method: Method::POST,
    path: "/v1/oauth-clients",
    summary: "Register an OAuth client",
    description: "Registers a program that may act for the caller's own account by OAuth 2.0; see `/.well-known/oauth-authorization-server`. A `confidential` one gets a secret, which is in this answer and never to be had again; a `public` one, which cannot keep a secret, gets none and may not use `client_credentials`. Nothing of a client can be changed; register another one. An account has 100 clients at most.",
    level: Level::FullAccess,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "NewOAuthClient",
        optional: false,
        example: include_str!("../openapi/examples/new_oauth_client.json"),
    }),
    answers: &[Answer {
        status: 201,
        description: "The client, and its secret if it has one",
        schema: Shape::One("OAuthClientWithSecret"),
        example: include_str!("../openapi/examples/oauth_client_with_secret.json"),
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
    let mut report = Report::default();
    let wanted = fields::new_client(&document, &mut report);
    let (wanted, _) = report.into_result(wanted)?;
    let (client, secret) = state.oauth.register(*account, wanted).await.map_err(|error| failed(&error))?;
    let data = SecretView::new(client, secret.as_ref());
    Ok(HttpResponse::Created().insert_header((LOCATION, data.location())).json(One { data }))
}
