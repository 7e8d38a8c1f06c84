//! A page of an account's workflows.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use prost::Message;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

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
    let name = name_of(&request);
    let after = if request.cursor.is_empty() { None } else { Some(read_cursor(&name, &request.cursor)?) };
    let wanted = Wanted {
        account: account_of(&request.account_id)?,
        status: request.status(),
        channel: request.channel,
        search: request.search,
        skip: if after.is_some() { 0 } else { u64::from(request.page.max(1) - 1) * u64::from(limit) },
        after,
        // One more than is shown: whether there is one says whether there is a next page.
        limit: limit + 1,
    };
    let listed = store.list(wanted).await.map_err(|error| failure(&error))?;
    let shown = listed.workflows.get(..limit as usize);
    let next_cursor = match shown {
        Some([.., last]) if listed.workflows.len() > limit as usize => cursor_of(&name, last),
        Some(_) | None => String::new(),
    };
    let workflows = shown.unwrap_or(&listed.workflows).iter().map(StoredWorkflow::to_message).collect();
    Ok(v1::ListWorkflowsResponse { workflows, total: listed.total, next_cursor })
}

/// Names the list that a request asks for by its filters, whatever the place in it.
fn name_of(request: &v1::ListWorkflowsRequest) -> String {
    let filters = v1::ListWorkflowsRequest { page: 0, limit: 0, cursor: String::new(), ..request.clone() };
    format!("w{:08x}", xxh3_64(&filters.encode_to_vec()) >> 32)
}

/// A cursor is the list's name and the place of the last row: its creation in hexadecimal microseconds, its id. What one
/// list gave means nothing in another one.
fn cursor_of(list: &str, workflow: &StoredWorkflow) -> String {
    format!("{list}-{:x}-{}", workflow.created_at.timestamp_micros(), workflow.id.as_simple())
}

/// The place behind the name of the list.
pub(super) fn read_cursor(list: &str, text: &str) -> Result<After, Failure> {
    let place = || {
        let (micros, id) = text.strip_prefix(list)?.strip_prefix('-')?.split_once('-')?;
        let micros = i64::from_str_radix(micros, 16).ok().filter(|micros| (0..1 << 58).contains(micros))?;
        let created_at = DateTime::<Utc>::from_timestamp_micros(micros)?;
        Some(After { created_at, id: Uuid::try_parse(id).ok()? })
    };
    place().ok_or_else(|| {
        Failure::because(ErrorCode::InvalidRequest, "The cursor is not one that this list gave").at("cursor")
    })
}
