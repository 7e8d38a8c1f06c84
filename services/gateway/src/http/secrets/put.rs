//! `PUT /v1/secrets/{name}`: sealed here, before it goes anywhere.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use flow_model::SecretName;
use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode::{InvalidRequest, MissingRequiredField};
use secrecy::SecretString;
use secrets::VALUE_BYTES_MAX;
use serde::Serialize;
use serde_json::Value;

use super::{SecretView, sealer};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "putSecret",
    method: Method::PUT,
    path: "/v1/secrets/{name}",
    summary: "Keep a secret",
    description: "Keeps a value that nobody can read again, in the place of one with the same name. It is sealed before it is stored. An account has 200 secrets at most.",
    level: Level::FullAccess,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "NewSecret",
        optional: false,
        example: include_str!("../openapi/examples/new_secret.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "It is kept",
        schema: Shape::One("Secret"),
        example: include_str!("../openapi/examples/secret.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::Conflict,
        ErrorCode::SecretsNotConfigured,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

#[derive(Serialize)]
struct One {
    data: SecretView,
}

pub(in crate::http) async fn put(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let sealer = sealer(&state)?;
    let name: SecretName = path.parse().map_err(|error| ApiError::invalid("name", format!("{error}")))?;
    let value = value_of(&body::json(&request, payload, state.body_bytes_max).await?)?;
    let ciphertext = sealer.seal(*account, &name, &value).map_err(|error| {
        tracing::error!(%error, "a secret cannot be sealed");
        ApiError::of(ErrorCode::InternalError)
    })?;
    let stored = state.services.put_secret(account, &name, ciphertext).await?;
    Ok(HttpResponse::Ok().json(One { data: SecretView::new(stored) }))
}

/// Problems never tell the value.
fn value_of(document: &Value) -> Result<SecretString, ApiError> {
    let mut report = Report::default();
    let read = |report: &mut Report| {
        let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
        let given = object.has("value");
        let (value, at) = object.text("value", InvalidRequest, report);
        if !given {
            report.problem(&at, MissingRequiredField, "Field 'value' is missing");
        } else if value.is_some_and(str::is_empty) {
            report.problem(&at, MissingRequiredField, "Field 'value' is blank");
        } else if value.is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
            report.problem(&at, InvalidRequest, format!("is longer than {VALUE_BYTES_MAX} bytes"));
        }
        object.finish(report);
        value.map(SecretString::from)
    };
    let value = read(&mut report);
    Ok(report.into_result(value)?.0)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_a_text_of_4_kib_at_most() {
        let longest = "x".repeat(4096);
        assert_eq!(value_of(&json!({"value": longest})).unwrap().expose_secret(), longest);
        for bad in [
            json!(null),
            json!({}),
            json!({"value": ""}),
            json!({"value": ["planted-secret"]}),
            json!({"value": "x".repeat(4097)}),
            json!({"value": "planted-secret", "more": 1}),
        ] {
            let error = value_of(&bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("planted-secret"), "{error:?}");
        }
    }
}
