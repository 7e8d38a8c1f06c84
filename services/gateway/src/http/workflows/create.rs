//! `POST /v1/workflows`: a draft.

use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::http::header::{ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1;

use super::view::{self, Changed, SummaryView};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "createWorkflow",
    method: Method::POST,
    path: "/v1/workflows",
    summary: "Create a workflow",
    description: "Creates a draft. All problems of the configuration are told at once in `error.errors`.",
    level: Level::ReadWrite,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "NewWorkflow",
        optional: false,
        example: include_str!("../openapi/examples/new_workflow.json"),
    }),
    answers: &[Answer {
        status: 201,
        description: "The draft",
        schema: Shape::Changed("WorkflowSummary"),
        example: include_str!("../openapi/examples/changed_workflow.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::InvalidWorkflowConfig,
        ErrorCode::InvalidNodeConfig,
        ErrorCode::WorkflowAlreadyExists,
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
    let workflow = state.services.create_workflow(account, body::compact(&document)?).await?;
    // Nothing can have run yet.
    let none = v1::WorkflowTotals::default();
    Ok(HttpResponse::Created()
        .insert_header((ETAG, workflow.etag.clone()))
        .insert_header((LOCATION, format!("/v1/workflows/{}", view::id(&workflow))))
        .json(Changed {
            data: SummaryView::new(&workflow, Some(&none)),
            warnings: view::warnings(&workflow),
        }))
}
