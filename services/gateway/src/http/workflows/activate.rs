//! `POST /v1/workflows/{workflow_id}/activate`: the next message of anyone meets it.

use actix_web::{HttpRequest, HttpResponse, web};
use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode;
use platform::clock::rfc3339;
use serde_json::json;

use super::view;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) async fn activate(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadWrite)?;
    Query::of(&request, &[])?;
    let id = super::id_of(&path)?;
    if let Some(document) = body::optional_json(&request, payload, state.body_bytes_max).await? {
        let mut report = Report::default();
        let object = Object::read(&document, &At::root(), ProblemCode::InvalidRequest, &mut report);
        let read = object.map(|object| object.finish(&mut report));
        report.into_result(read)?;
    }
    let workflow = state.services.activate_workflow(account, id).await?;
    Ok(HttpResponse::Ok().json(json!({"data": {
        "id": view::id(&workflow),
        "status": view::status(workflow.status()),
        "activated_at": workflow.activated_at_ms.map(rfc3339),
    }})))
}
