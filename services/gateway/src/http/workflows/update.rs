//! `PUT /v1/workflows/{workflow_id}`: what is absent stays.

use crate::http::operation::{Answer, Body, Operation, RequestHeader, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::view::{self, Changed, SummaryView};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "updateWorkflow",
    method: Method::PUT,
    path: "/v1/workflows/{workflow_id}",
    summary: "Update a workflow",
    description: "Fields that are absent keep their value. A change of the configuration is a new immutable revision; conversations go on with the one that they started on.",
    level: Level::ReadWrite,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "WorkflowChange",
        optional: false,
        example: include_str!("../openapi/examples/workflow_change.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "The workflow",
        schema: Shape::Changed("WorkflowSummary"),
        example: include_str!("../openapi/examples/changed_workflow.json"),
    }],
    errors: &[
        ErrorCode::MissingRequiredField,
        ErrorCode::InvalidWorkflowConfig,
        ErrorCode::InvalidNodeConfig,
        ErrorCode::WorkflowNotFound,
        ErrorCode::WorkflowAlreadyExists,
        ErrorCode::PreconditionFailed,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[RequestHeader::IfMatch],
};

pub(in crate::http) async fn update(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    let if_match = super::if_match(&request)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let workflow = state.services.update_workflow(account, id, body::compact(&document)?, if_match).await?;
    // The change is made: that its numbers cannot be told must not look as if it were not.
    let totals = state.services.totals(account, id).await.ok();
    Ok(HttpResponse::Ok().insert_header((ETAG, workflow.etag.clone())).json(Changed {
        data: SummaryView::new(&workflow, totals.as_ref()),
        warnings: view::warnings(&workflow),
    }))
}
