//! `POST /v1/workflows`: a draft.

use actix_web::http::header::{ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;

use super::view::{self, Changed, WorkflowView};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) async fn create(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadWrite)?;
    Query::of(&request, &[])?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let workflow = state.services.create_workflow(account, body::compact(&document)?).await?;
    // Nothing can have run yet.
    let none = v1::WorkflowTotals::default();
    Ok(HttpResponse::Created()
        .insert_header((ETAG, workflow.etag.clone()))
        .insert_header((LOCATION, format!("/v1/workflows/{}", view::id(&workflow))))
        .json(Changed {
            data: WorkflowView::new(&workflow, Some(&none)),
            warnings: view::warnings(&workflow),
        }))
}
