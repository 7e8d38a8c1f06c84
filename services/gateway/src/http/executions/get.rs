//! `GET /v1/workflows/{workflow_id}/executions/{execution_id}`: with its steps.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::view::ExecutionView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::workflows;
use crate::key::Level;
use crate::state::State;

#[derive(Serialize)]
struct One {
    data: ExecutionView,
}

pub(in crate::http) async fn get(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadOnly)?;
    Query::of(&request, &[])?;
    let (workflow, execution) = path.into_inner();
    let workflow = workflows::id_of(&workflow)?;
    state.services.workflow(account, workflow).await?;
    let execution = state.services.execution(account, workflow, super::id_of(&execution)?).await?;
    Ok(HttpResponse::Ok().json(One { data: ExecutionView::whole(execution) }))
}
