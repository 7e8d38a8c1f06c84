//! `GET /v1/workflows/{workflow_id}/executions`: newest first.

use crate::http::operation::{Answer, CHANNEL, CURSOR, Kind, LIMIT, Operation, PAGE, Parameter, Shape};
use crate::limit::Class;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use contracts::v1::{self, ExecutionStatus};
use flow_model::ConversationId;
use flow_model::limits::CUSTOMER_ID_CHARS_MAX;

use super::view::ExecutionView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::texts::NO_CONTROLS;
use crate::http::query::Query;
use crate::http::workflows;
use crate::http::workflows::list::{Listed, Pagination};
use crate::key::Level;
use crate::state::State;

const STATUSES: [(&str, ExecutionStatus); 3] = [
    ("success", ExecutionStatus::Success),
    ("failed", ExecutionStatus::Failed),
    ("running", ExecutionStatus::Running),
];

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listExecutions",
    method: Method::GET,
    path: "/v1/workflows/{workflow_id}/executions",
    summary: "List executions",
    description: "One execution is one turn: a message handled until the flow ends or waits. Newest first; without steps.",
    level: Level::ReadOnly,
    class: Class::Execution,
    query: &[
        PAGE,
        LIMIT,
        Parameter {
            name: "status",
            description: "Filter by status",
            required: false,
            kind: Kind::Choice(&["success", "failed", "running"]),
        },
        Parameter {
            name: "start_date",
            description: "Executions that started at this time or later; a date begins at 00:00 UTC",
            required: false,
            kind: Kind::Time { example: "2024-01-01" },
        },
        Parameter {
            name: "end_date",
            description: "Executions that started at this time or earlier; a date ends at 24:00 UTC",
            required: false,
            kind: Kind::Time { example: "2024-01-31T23:59:59Z" },
        },
        Parameter {
            name: "customer_id",
            description: "Only of this customer",
            required: false,
            kind: Kind::Text {
                chars_max: CUSTOMER_ID_CHARS_MAX,
                pattern: NO_CONTROLS,
                example: "customer-456",
            },
        },
        Parameter {
            name: "conversation_id",
            description: "Only of this conversation",
            required: false,
            kind: Kind::Id("conversation"),
        },
        CHANNEL,
        CURSOR,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of executions",
        schema: Shape::List("ExecutionSummary"),
        example: include_str!("../openapi/examples/executions.json"),
    }],
    errors: &[ErrorCode::WorkflowNotFound],
    headers: &[],
};

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let page = query.page()?;
    let status = query.choice("status", &STATUSES)?.unwrap_or(ExecutionStatus::Unspecified);
    let (start_at_ms, end_at_ms) = (query.start("start_date")?, query.end("end_date")?);
    if start_at_ms.zip(end_at_ms).is_some_and(|(start, end)| start > end) {
        return Err(ApiError::invalid("end_date", "The parameter 'end_date' is before 'start_date'"));
    }
    let channel = query.channel()?.map(|channel| channel.as_str().to_owned()).unwrap_or_default();
    let customer_id = query.customer()?;
    let conversation_id = conversation_of(&query)?;
    let id = workflows::id_of(&path)?;
    state.services.workflow(account, id).await?;
    let wanted = v1::ListExecutionsRequest {
        account_id: account.to_vec().into(),
        workflow_id: id.to_vec().into(),
        page: page.number,
        limit: page.limit,
        status: status.into(),
        start_at_ms,
        end_at_ms,
        customer_id,
        conversation_id,
        channel,
        cursor: page.cursor.clone(),
    };
    let found = state.services.list_executions(wanted).await?;
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    let data = found.executions.into_iter().map(ExecutionView::brief).collect();
    Ok(HttpResponse::Ok().json(Listed::<ExecutionView> { data, pagination }))
}

fn conversation_of(query: &Query) -> Result<bytes::Bytes, ApiError> {
    let Some(text) = query.text("conversation_id")? else { return Ok(bytes::Bytes::new()) };
    let id: ConversationId = text.parse().map_err(|_| {
        ApiError::invalid("conversation_id", "The parameter 'conversation_id' must be conversation-<uuid>")
    })?;
    Ok(id.to_vec().into())
}
