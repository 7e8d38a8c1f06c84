//! `PUT /v1/workflows/{workflow_id}`: what is absent stays.

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};

use super::view::{self, Changed, WorkflowView};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) async fn update(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadWrite)?;
    Query::of(&request, &[])?;
    let id = super::id_of(&path)?;
    let if_match = super::if_match(&request)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let workflow = state.services.update_workflow(account, id, body::compact(&document)?, if_match).await?;
    // The change is made: that its numbers cannot be told must not look as if it were not.
    let totals = state.services.totals(account, vec![workflow.id.clone()]).await.unwrap_or_default();
    Ok(HttpResponse::Ok().insert_header((ETAG, workflow.etag.clone())).json(Changed {
        data: WorkflowView::new(&workflow, totals.get(&workflow.id)),
        warnings: view::warnings(&workflow),
    }))
}
