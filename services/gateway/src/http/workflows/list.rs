//! `GET /v1/workflows`: newest first.

use crate::http::operation::{Answer, CHANNEL, CURSOR, Kind, LIMIT, Operation, PAGE, Parameter, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1::{self, WorkflowStatus};
use flow_model::WorkflowId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::SummaryView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::texts::NO_NUL;
use crate::http::query::{Page, Query, SEARCH_CHARS_MAX};
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
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Pagination {
    /// The page that was asked for; always 1 when a cursor was given instead.
    page: u32,
    limit: u32,
    total: u64,
    pages: u64,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
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

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listWorkflows",
    method: Method::GET,
    path: "/v1/workflows",
    summary: "List workflows",
    description: "All workflows of the account, newest first.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[
        PAGE,
        LIMIT,
        Parameter {
            name: "status",
            description: "Filter by status",
            required: false,
            kind: Kind::Choice(&["active", "inactive", "draft"]),
        },
        CHANNEL,
        Parameter {
            name: "search",
            description: "Search workflows by name or description",
            required: false,
            kind: Kind::Text { chars_max: SEARCH_CHARS_MAX, pattern: NO_NUL, example: "support" },
        },
        CURSOR,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of workflows",
        schema: Shape::List("WorkflowSummary"),
        example: include_str!("../openapi/examples/workflows.json"),
    }],
    errors: &[],
    headers: &[],
};

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
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
    let id = |workflow: &v1::Workflow| WorkflowId::from_slice(&workflow.id).ok();
    let totals = state.services.totals_of(account, found.workflows.iter().filter_map(id).collect()).await?;
    let view = |workflow| SummaryView::new(workflow, id(workflow).and_then(|id| totals.get(&id)));
    let data = found.workflows.iter().map(view).collect();
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    Ok(HttpResponse::Ok().json(Listed::<SummaryView> { data, pagination }))
}
