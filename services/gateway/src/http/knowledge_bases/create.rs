//! `POST /v1/knowledge-bases`.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{ErrorCode, v1};
use flow_model::ProblemCode::{InvalidRequest, MissingRequiredField};
use flow_model::document::{At, Object, Report};
use serde::Serialize;
use serde_json::Value;

use super::view::BaseView;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "createKnowledgeBase",
    method: Method::POST,
    path: "/v1/knowledge-bases",
    summary: "Create a knowledge base",
    description: "An empty one; documents are put into it one by one.",
    level: Level::ReadWrite,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "NewKnowledgeBase",
        optional: false,
        example: include_str!("../openapi/examples/new_knowledge_base.json"),
    }),
    answers: &[Answer {
        status: 201,
        description: "The knowledge base",
        schema: Shape::One("KnowledgeBase"),
        example: include_str!("../openapi/examples/knowledge_base.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::KnowledgeBaseAlreadyExists,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

#[derive(Serialize)]
struct One {
    data: BaseView,
}

pub(in crate::http) async fn create(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let mut wanted = read(&document)?;
    wanted.account_id = account.to_vec().into();
    let data = BaseView::from(&state.services.create_knowledge_base(&wanted).await?);
    Ok(HttpResponse::Created().insert_header((LOCATION, data.location())).json(One { data }))
}

/// The fields of the body; what they may hold is checked where they are kept.
fn read(document: &Value) -> Result<v1::CreateKnowledgeBaseRequest, ApiError> {
    let mut report = Report::default();
    let read = read_fields(document, &mut report);
    Ok(report.into_result(read)?.0)
}

fn read_fields(document: &Value, report: &mut Report) -> Option<v1::CreateKnowledgeBaseRequest> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let has_name = object.has("name");
    let (name, at) = object.text("name", InvalidRequest, report);
    if !has_name || name.is_some_and(|name| name.trim().is_empty()) {
        report.problem(&at, MissingRequiredField, "Field 'name' is missing");
    }
    let (description, _) = object.text("description", InvalidRequest, report);
    let (language, at) = object.text("language", InvalidRequest, report);
    if language.is_some_and(str::is_empty) {
        report.problem(&at, InvalidRequest, "must not be empty");
    }
    object.finish(report);
    Some(v1::CreateKnowledgeBaseRequest {
        account_id: bytes::Bytes::new(),
        name: name?.to_owned(),
        description: description.unwrap_or_default().to_owned(),
        language: language.unwrap_or_default().to_owned(),
    })
}
