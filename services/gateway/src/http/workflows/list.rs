//! `GET /v1/workflows`: newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1::{self, WorkflowStatus};
use serde::Serialize;

use super::view::WorkflowView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::{Page, Query};
use crate::key::Level;
use crate::state::State;

const STATUSES: [(&str, WorkflowStatus); 3] = [
    ("active", WorkflowStatus::Active),
    ("inactive", WorkflowStatus::Inactive),
    ("draft", WorkflowStatus::Draft),
];

/// A page of something.
#[derive(Serialize)]
pub(in crate::http) struct Listed<T> {
    pub data: Vec<T>,
    pub pagination: Pagination,
}

/// Where in the list, and how long it is.
#[derive(Serialize)]
pub(in crate::http) struct Pagination {
    page: u32,
    limit: u32,
    total: u64,
    pages: u64,
    next_cursor: Option<String>,
}

impl Pagination {
    /// Of a page that was asked for and what was found.
    pub fn new(asked: &Page, total: u64, next_cursor: String) -> Self {
        Self {
            page: asked.number,
            limit: asked.limit,
            total,
            pages: total.div_ceil(u64::from(asked.limit)),
            next_cursor: Some(next_cursor).filter(|cursor| !cursor.is_empty()),
        }
    }
}

pub(in crate::http) async fn list(
    caller: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let account = caller.require(Level::ReadOnly)?;
    let query = Query::of(&request, &["page", "limit", "status", "channel", "search", "cursor"])?;
    let page = query.page()?;
    let status = query.choice("status", &STATUSES)?.unwrap_or(WorkflowStatus::Unspecified);
    let channel = query.channel()?.map(|channel| channel.as_str().to_owned()).unwrap_or_default();
    let wanted = v1::ListWorkflowsRequest {
        account_id: account.to_vec().into(),
        page: page.number,
        limit: page.limit,
        status: status.into(),
        channel,
        search: query.search()?,
        cursor: page.cursor.clone(),
    };
    let found = state.services.list_workflows(&wanted).await?;
    let ids = found.workflows.iter().map(|workflow| workflow.id.clone()).collect();
    let totals = state.services.totals(account, ids).await?;
    let data = found
        .workflows
        .iter()
        .map(|workflow| WorkflowView::new(workflow, totals.get(&workflow.id)))
        .collect();
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    Ok(HttpResponse::Ok().json(Listed::<WorkflowView> { data, pagination }))
}
