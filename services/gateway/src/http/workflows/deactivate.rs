//! `POST /v1/workflows/{workflow_id}/deactivate`: starts nothing new; `{"waiting": "cancel"}` also ends what waits.

use actix_web::{HttpRequest, HttpResponse, web};
use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode::InvalidRequest;
use platform::clock::rfc3339;
use serde_json::{Value, json};

use super::view;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) async fn deactivate(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadWrite)?;
    Query::of(&request, &[])?;
    let id = super::id_of(&path)?;
    let cancel = match body::optional_json(&request, payload, state.body_bytes_max).await? {
        Some(document) => cancels(&document)?,
        None => false,
    };
    let workflow = state.services.deactivate_workflow(account, id, cancel).await?;
    Ok(HttpResponse::Ok().json(json!({"data": {
        "id": view::id(&workflow),
        "status": view::status(workflow.status()),
        "deactivated_at": workflow.deactivated_at_ms.map(rfc3339),
    }})))
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
