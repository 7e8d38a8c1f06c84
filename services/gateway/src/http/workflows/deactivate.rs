//! `POST /v1/workflows/{workflow_id}/deactivate`: starts nothing new; `{"waiting": "cancel"}` also ends what waits.

use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode::InvalidRequest;
use platform::clock::rfc3339;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::schemas;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "deactivateWorkflow",
    method: Method::POST,
    path: "/v1/workflows/{workflow_id}/deactivate",
    summary: "Deactivate a workflow",
    description: "Starts nothing new. Conversations that wait inside it are finished, or ended with `waiting: cancel`.",
    level: Level::ReadWrite,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "Deactivation",
        optional: true,
        example: include_str!("../openapi/examples/deactivation.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "It is inactive",
        schema: Shape::One("Deactivated"),
        example: include_str!("../openapi/examples/deactivated.json"),
    }],
    errors: &[
        ErrorCode::WorkflowNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
    ],
    headers: &[],
};

/// A workflow that is not active any more.
#[derive(Serialize, ToSchema)]
#[schema(as = Deactivated)]
pub(in crate::http) struct DeactivatedView {
    id: String,
    #[schema(value_type = schemas::WorkflowStatus)]
    status: &'static str,
    #[schema(required, format = DateTime)]
    deactivated_at: Option<String>,
}

#[derive(Serialize)]
struct One {
    data: DeactivatedView,
}

pub(in crate::http) async fn deactivate(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    let cancel = match body::optional_json(&request, payload, state.body_bytes_max).await? {
        Some(document) => cancels(&document)?,
        None => false,
    };
    let workflow = state.services.deactivate_workflow(account, id, cancel).await?;
    Ok(HttpResponse::Ok().json(One {
        data: DeactivatedView {
            id: view::id(&workflow),
            status: view::status(workflow.status()),
            deactivated_at: workflow.deactivated_at_ms.map(rfc3339),
        },
    }))
}

fn cancels(document: &Value) -> Result<bool, ApiError> {
    let mut report = Report::default();
    let read = |report: &mut Report| {
        let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
        let (waiting, at) = object.text("waiting", InvalidRequest, report);
        if waiting.is_some_and(|waiting| !["cancel", "finish"].contains(&waiting)) {
            report.problem(&at, InvalidRequest, "must be \"finish\" or \"cancel\"");
        }
        object.finish(report);
        Some(waiting == Some("cancel"))
    };
    let cancel = read(&mut report);
    Ok(report.into_result(cancel)?.0)
}
