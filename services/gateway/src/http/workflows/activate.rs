//! `POST /v1/workflows/{workflow_id}/activate`: the next message of anyone meets it.

use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use platform::clock::rfc3339;
use serde::Serialize;
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
    id: "activateWorkflow",
    method: Method::POST,
    path: "/v1/workflows/{workflow_id}/activate",
    summary: "Activate a workflow",
    description: "From this answer on, the next message of anyone through any gateway can start it. Activating an active workflow changes nothing.",
    level: Level::ReadWrite,
    class: Class::Write,
    query: &[],
    body: Some(Body {
        schema: "Nothing",
        optional: true,
        example: include_str!("../openapi/examples/nothing.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "It is active",
        schema: Shape::One("Activated"),
        example: include_str!("../openapi/examples/activated.json"),
    }],
    errors: &[ErrorCode::WorkflowNotFound, ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType],
    headers: &[],
};

/// A workflow that is active.
#[derive(Serialize, ToSchema)]
#[schema(as = Activated)]
pub(in crate::http) struct ActivatedView {
    id: String,
    #[schema(value_type = schemas::WorkflowStatus)]
    status: &'static str,
    #[schema(required, format = DateTime)]
    activated_at: Option<String>,
}

#[derive(Serialize)]
struct One {
    data: ActivatedView,
}

pub(in crate::http) async fn activate(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let id = super::id_of(&path)?;
    body::nothing(&request, payload, state.body_bytes_max).await?;
    let workflow = state.services.activate_workflow(account, id).await?;
    Ok(HttpResponse::Ok().json(One {
        data: ActivatedView {
            id: view::id(&workflow),
            status: view::status(workflow.status()),
            activated_at: workflow.activated_at_ms.map(rfc3339),
        },
    }))
}
