//! `POST /v1/knowledge-bases/{knowledge_base_id}/search`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{ErrorCode, v1};
use flow_model::ProblemCode::{InvalidRequest, MissingRequiredField};
use flow_model::document::{At, Object, Report, whole_number};
use serde::Serialize;
use serde_json::Value;

use super::view::ResultView;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

/// Passages that are given unless the caller says otherwise, and at most.
const LIMIT_DEFAULT: u32 = 5;
const LIMIT_MAX: u64 = 20;
/// Characters of a question.
const QUERY_CHARS_MAX: usize = 1000;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "searchKnowledgeBase",
    method: Method::POST,
    path: "/v1/knowledge-bases/{knowledge_base_id}/search",
    summary: "Search a knowledge base",
    description: "The passages that speak of what a question asks, the best first, by the rules of their language. An `ai_response` node finds the same.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: Some(Body {
        schema: "KnowledgeSearch",
        optional: false,
        example: include_str!("../openapi/examples/knowledge_search.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "What was found",
        schema: Shape::One("KnowledgeSearchResult"),
        example: include_str!("../openapi/examples/knowledge_search_result.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::KnowledgeBaseNotFound,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

#[derive(Serialize)]
struct One {
    data: ResultView,
}

pub(in crate::http) async fn search(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let mut report = Report::default();
    let read = read(&document, &mut report);
    let (mut wanted, _) = report.into_result(read)?;
    wanted.account_id = account.to_vec().into();
    wanted.base = path.into_inner();
    let found = state.services.search_knowledge(&wanted).await?;
    Ok(HttpResponse::Ok().json(One { data: ResultView::from(found) }))
}

fn read(document: &Value, report: &mut Report) -> Option<v1::SearchKnowledgeRequest> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let has_query = object.has("query");
    let (query, at) = object.text("query", InvalidRequest, report);
    if !has_query || query.is_some_and(|query| query.trim().is_empty()) {
        report.problem(&at, MissingRequiredField, "Field 'query' is missing");
    } else if query.is_some_and(|query| query.chars().count() > QUERY_CHARS_MAX || query.contains('\0')) {
        report.problem(&at, InvalidRequest, format!("must be at most {QUERY_CHARS_MAX} characters"));
    }
    let (limit, at) = object.get("limit");
    let number = limit.and_then(whole_number).filter(|number| (1..=LIMIT_MAX).contains(number));
    if limit.is_some() && number.is_none() {
        report.problem(&at, InvalidRequest, format!("must be a whole number from 1 to {LIMIT_MAX}"));
    }
    let (language, at) = object.text("language", InvalidRequest, report);
    if language.is_some_and(str::is_empty) {
        report.problem(&at, InvalidRequest, "must not be empty");
    }
    object.finish(report);
    Some(v1::SearchKnowledgeRequest {
        query: query?.to_owned(),
        limit: number.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT),
        language: language.unwrap_or_default().to_owned(),
        ..v1::SearchKnowledgeRequest::default()
    })
}
