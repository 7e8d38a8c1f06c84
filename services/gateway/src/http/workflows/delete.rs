//! `DELETE /v1/workflows/{workflow_id}`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::key::Level;
use crate::state::State;

pub(in crate::http) async fn delete(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::FullAccess)?;
    Query::of(&request, &[])?;
    let id = super::id_of(&path)?;
    state.services.delete_workflow(account, id, super::if_match(&request)?).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Workflow deleted successfully"})))
}
