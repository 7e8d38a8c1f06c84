//! `GET /v1/audit-log`: who changed what, newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::listing::Listing;
use super::openapi::texts::{NO_CONTROLS, OPERATION_ID};
use super::operation::{Answer, CURSOR, Kind, LIMIT, Operation, PAGE, Parameter, Shape};
use super::query::Query;
use crate::audit::{Actor, Entry, Filter};
use crate::key::Level;
use crate::keys::NAME_CHARS_MAX;
use crate::limit::Class;
use crate::state::State;

/// Characters of an operation's id at most.
const ACTION_CHARS_MAX: usize = 64;

pub(super) static OPERATION: Operation = Operation {
    id: "listAuditLog",
    method: Method::GET,
    path: "/v1/audit-log",
    summary: "List the audit log",
    description: "Who changed what, when and from where: a row for each change through the API that was made, that the level of the key forbade (403), or of which it is not known whether it was made (5xx). Reads, messages and starts of executions are no changes. Nobody can change a row. Newest first.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[
        PAGE,
        LIMIT,
        Parameter {
            name: "action",
            description: "Only of this operation, by its `operationId`",
            required: false,
            kind: Kind::Text {
                chars_max: ACTION_CHARS_MAX,
                pattern: OPERATION_ID,
                example: "createWorkflow",
            },
        },
        Parameter {
            name: "actor",
            description: "Only of this key or OAuth client: its id, or the name that it had",
            required: false,
            kind: Kind::Text {
                chars_max: NAME_CHARS_MAX,
                pattern: NO_CONTROLS,
                example: "api-key-01a20acf-9cb2-767f-9572-1d0534001a8a",
            },
        },
        Parameter {
            name: "from",
            description: "Written at this time or later; a date begins at 00:00 UTC",
            required: false,
            kind: Kind::Time { example: "2024-01-01" },
        },
        Parameter {
            name: "to",
            description: "Written at this time or earlier; a date ends at 24:00 UTC",
            required: false,
            kind: Kind::Time { example: "2024-01-31T23:59:59Z" },
        },
        CURSOR,
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of the log",
        schema: Shape::List("AuditEntry"),
        example: include_str!("openapi/examples/audit_log.json"),
    }],
    errors: &[],
    headers: &[],
};

/// A change, or one that was tried.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct EntryView {
    #[schema(examples("audit-entry-01a20acf-9e01-7d2c-8a4b-52b7c1f0a9d3"))]
    id: String,
    /// When it was written, right after the change.
    #[schema(format = DateTime)]
    at: String,
    /// The `operationId`; what operators did beside the API has names of its own, such as `limitAccount`.
    action: String,
    /// The key; null of OAuth clients, and of what operators did beside the API.
    #[schema(required)]
    key_id: Option<String>,
    /// The OAuth client, of what was done with an access token.
    #[schema(required)]
    client_id: Option<String>,
    /// The name of the key or client then; `operator` without one.
    key_name: String,
    /// What was changed: its id, or those that the path names, joined by `/`. Of a customer who was erased a hash only; null when
    /// nothing was named.
    #[schema(required)]
    resource_id: Option<String>,
    /// The HTTP status of the answer; 200 of what operators did.
    status: u16,
    /// Empty of what operators did.
    request_id: String,
    /// The address that the request came from.
    #[schema(required)]
    remote_address: Option<String>,
}

impl EntryView {
    fn new(entry: Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: rfc3339(entry.at_ms),
            action: entry.action,
            key_id: entry.key.map(|key| key.to_string()),
            client_id: entry.client.map(|client| client.to_string()),
            key_name: entry.actor,
            resource_id: entry.resource,
            status: entry.status,
            request_id: entry.request_id,
            remote_address: entry.remote_address,
        }
    }
}

pub(super) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let page = query.page()?;
    let filter = filter(&query)?;
    let listing = Listing::new('a', *account, &[&format!("{filter:?}")], page)?;
    let found = state.audit.list(*account, filter, listing.span()).await.map_err(|error| {
        if error.is_unavailable() {
            tracing::warn!(%error, "the audit log cannot be read");
            return ApiError::because(ErrorCode::ServiceUnavailable, "The database is away");
        }
        tracing::error!(error = &error as &dyn std::error::Error, "the audit log cannot be read");
        ApiError::of(ErrorCode::InternalError)
    })?;
    Ok(HttpResponse::Ok().json(listing.answer(found, |entry| *entry.id.as_uuid(), EntryView::new)))
}

fn filter(query: &Query) -> Result<Filter, ApiError> {
    let text = |name: &str, chars_max: usize| {
        let text = query.text(name)?;
        if text.is_some_and(|text| text.chars().count() > chars_max || text.chars().any(char::is_control)) {
            let details = format!("The parameter '{name}' must be a text of at most {chars_max} characters");
            return Err(ApiError::invalid(name, details));
        }
        Ok(text)
    };
    let action = text("action", ACTION_CHARS_MAX)?;
    if action.is_some_and(|action| !action.chars().all(|letter| letter.is_ascii_alphanumeric())) {
        return Err(ApiError::invalid("action", "The parameter 'action' must be an operationId"));
    }
    let actor = text("actor", NAME_CHARS_MAX)?;
    let (from_ms, to_ms) = (query.start("from")?, query.end("to")?);
    if let (Some(from_ms), Some(to_ms)) = (from_ms, to_ms)
        && to_ms < from_ms
    {
        return Err(ApiError::invalid("to", "The parameter 'to' is before 'from'"));
    }
    let actor = actor.map(|text| {
        let key = || text.parse().map(Actor::Key).ok();
        let client = || text.parse().map(Actor::Client).ok();
        key().or_else(client).unwrap_or_else(|| Actor::Named(text.to_owned()))
    });
    Ok(Filter { action: action.map(str::to_owned), actor, from_ms, to_ms })
}
