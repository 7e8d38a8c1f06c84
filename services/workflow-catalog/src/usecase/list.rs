//! A page of an account's workflows.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use uuid::Uuid;

use super::{account_of, failure};
use crate::store::{After, Store, StoredWorkflow, Wanted};

/// Rows of a page at most.
const LIMIT_MAX: u32 = 100;

/// Lists workflows, without their configurations.
pub(crate) async fn list(
    store: &Store,
    request: v1::ListWorkflowsRequest,
) -> Result<v1::ListWorkflowsResponse, Failure> {
    let limit = request.limit.clamp(1, LIMIT_MAX);
    let after = if request.cursor.is_empty() { None } else { Some(read_cursor(&request.cursor)?) };
    let wanted = Wanted {
        account: account_of(&request.account_id)?,
        status: request.status(),
        channel: request.channel,
        search: request.search.to_lowercase(),
        skip: if after.is_some() { 0 } else { u64::from(request.page.max(1) - 1) * u64::from(limit) },
        after,
        limit,
    };
    let listed = store.list(wanted).await.map_err(|error| failure(&error))?;
    let full = listed.workflows.len() == limit as usize;
    let next_cursor = listed.workflows.last().filter(|_| full).map(cursor_of).unwrap_or_default();
    let workflows = listed.workflows.iter().map(StoredWorkflow::to_message).collect();
    Ok(v1::ListWorkflowsResponse { workflows, total: listed.total, next_cursor })
}

/// A cursor is the place of the last row: its creation in hexadecimal microseconds, a dash, its id.
fn cursor_of(last: &StoredWorkflow) -> String {
    format!("{:x}-{}", last.created_at.timestamp_micros(), last.id.as_simple())
}

fn read_cursor(text: &str) -> Result<After, Failure> {
    let place = || {
        let (micros, id) = text.split_once('-')?;
        let micros = i64::from_str_radix(micros, 16).ok().filter(|micros| (0..1 << 58).contains(micros))?;
        let created_at = DateTime::<Utc>::from_timestamp_micros(micros)?;
        Some(After { created_at, id: Uuid::try_parse(id).ok()? })
    };
    place().ok_or_else(|| {
        Failure::because(ErrorCode::InvalidRequest, "The cursor is not one that this list gave").at("cursor")
    })
}
