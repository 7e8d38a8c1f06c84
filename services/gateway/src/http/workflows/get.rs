//! `GET /v1/workflows/{workflow_id}`: with its configuration.

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::view::WorkflowView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

#[derive(Serialize)]
struct One {
    data: WorkflowView,
}

pub(in crate::http) async fn get(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadOnly)?;
    Query::of(&request, &[])?;
    let id = super::id_of(&path)?;
    let workflow = state.services.workflow(account, id).await?;
    let totals = state.services.totals(account, vec![workflow.id.clone()]).await?;
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, workflow.etag.clone()))
        .json(One { data: WorkflowView::new(&workflow, totals.get(&workflow.id)) }))
}
