//! A page of a workflow's executions.

use contracts::v1::{self, Failure};
use contracts::{ErrorCode, v1::ListExecutionsRequest};
use flow_model::{AccountId, Channel, ConversationId, WorkflowId};
use prost::Message;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{failure, malformed};
use crate::partition::tell;
use crate::store::read::{Filter, Place, Reads, Status};

/// Rows of a page at most.
const LIMIT_MAX: u32 = 100;
/// Bytes of one answer, below the 1 MiB of a bus message; the caller asks on with the cursor.
const ANSWER_BYTES_MAX: usize = 768 * 1024;

/// Answers with at most `limit` rows; with fewer, and a cursor, when they would not fit into one bus message. Rows
/// carry no steps, and of the replies only the last one.
pub(crate) async fn list_executions(
    reads: &Reads,
    request: ListExecutionsRequest,
) -> Result<v1::ListExecutionsResponse, Failure> {
    let limit = request.limit.clamp(1, LIMIT_MAX);
    let name = name_of(&request);
    let place = place_of(&name, &request, limit)?;
    // One more than is shown: whether there is one says whether there is a next page.
    let listed = reads.list(filter_of(&request)?, place, limit + 1).await.map_err(|error| failure(&error))?;
    let rows = listed.executions.len();
    let mut executions: Vec<v1::Execution> = Vec::with_capacity(rows);
    let mut bytes = 0;
    for mut execution in listed.executions.into_iter().take(limit as usize) {
        shorten(&mut execution);
        bytes += execution.encoded_len() + 8;
        if bytes > ANSWER_BYTES_MAX && !executions.is_empty() {
            break;
        }
        executions.push(execution);
    }
    let last = executions.last().filter(|_| executions.len() < rows);
    let next_cursor = last.and_then(|last| cursor_of(&name, last)).unwrap_or_default();
    Ok(v1::ListExecutionsResponse { executions, total: listed.total, next_cursor })
}

fn filter_of(request: &ListExecutionsRequest) -> Result<Filter, Failure> {
    let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
    let workflow = WorkflowId::from_slice(&request.workflow_id).map_err(|_| malformed("workflow_id"))?;
    let channels: Vec<Channel> = if request.channel.is_empty() {
        Channel::ALL.to_vec()
    } else {
        let channel = request.channel.parse().map_err(|_| malformed("channel"))?;
        vec![channel]
    };
    let status = match request.status() {
        v1::ExecutionStatus::Unspecified => None,
        v1::ExecutionStatus::Running => Some(Status::Running),
        v1::ExecutionStatus::Success => Some(Status::Success),
        v1::ExecutionStatus::Failed => Some(Status::Failed),
    };
    let conversations = conversations_of(request, account, &channels)?;
    Ok(Filter {
        account,
        workflow,
        status,
        channels: channels.into_iter().map(Channel::as_str).collect(),
        start_ms: request.start_at_ms,
        end_ms: request.end_at_ms,
        conversations,
    })
}

/// A customer's conversations are known by name, so a customer filter is a filter of conversations.
fn conversations_of(
    request: &ListExecutionsRequest,
    account: AccountId,
    channels: &[Channel],
) -> Result<Option<Vec<ConversationId>>, Failure> {
    let of_customer: Option<Vec<ConversationId>> = (!request.customer_id.is_empty()).then(|| {
        channels
            .iter()
            .map(|channel| ConversationId::of(account, channel.as_str(), &request.customer_id))
            .collect()
    });
    if request.conversation_id.is_empty() {
        return Ok(of_customer);
    }
    let wanted =
        ConversationId::from_slice(&request.conversation_id).map_err(|_| malformed("conversation_id"))?;
    Ok(Some(match of_customer {
        Some(ids) => ids.into_iter().filter(|id| *id == wanted).collect(),
        None => vec![wanted],
    }))
}

fn place_of(list: &str, request: &ListExecutionsRequest, limit: u32) -> Result<Place, Failure> {
    if request.cursor.is_empty() {
        return Ok(Place::Offset(u64::from(request.page.max(1) - 1) * u64::from(limit)));
    }
    read_cursor(list, &request.cursor).ok_or_else(|| {
        Failure::because(ErrorCode::InvalidRequest, "The cursor is not one that this list gave").at("cursor")
    })
}

/// Names the list that a request asks for by its workflow and its filters, whatever the place in it.
fn name_of(request: &ListExecutionsRequest) -> String {
    let filters = ListExecutionsRequest { page: 0, limit: 0, cursor: String::new(), ..request.clone() };
    format!("e{:08x}", xxh3_64(&filters.encode_to_vec()) >> 32)
}

/// A cursor is the list's name and the place of the last row: its start in hexadecimal milliseconds, its id. What one list
/// gave means nothing in another one.
fn cursor_of(list: &str, execution: &v1::Execution) -> Option<String> {
    let id = Uuid::from_slice(&execution.id).ok()?;
    Some(format!("{list}-{:x}-{}", execution.started_at_ms, id.as_simple()))
}

/// The place behind the name of the list.
pub(super) fn read_cursor(list: &str, text: &str) -> Option<Place> {
    let (started_at, id) = text.strip_prefix(list)?.strip_prefix('-')?.split_once('-')?;
    let started_at_ms = i64::from_str_radix(started_at, 16).ok().filter(|ms| (0..1 << 50).contains(ms))?;
    Some(Place::After { started_at_ms, id: Uuid::try_parse(id).ok()? })
}

fn shorten(execution: &mut v1::Execution) {
    if let Some(record) = &mut execution.record {
        execution.ai = tell::usage::of(record);
        record.steps.clear();
        record.metadata_json.clear();
        execution.replies_in_all = u32::try_from(record.replies.len()).ok();
        let last = record.replies.pop();
        record.replies = last.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_as_the_place_of_its_row() {
        let id = Uuid::from_u128(77);
        let execution = v1::Execution {
            id: id.as_bytes().to_vec().into(),
            started_at_ms: 1_706_178_600_007,
            ..v1::Execution::default()
        };
        let cursor = cursor_of("e1", &execution).unwrap_or_default();
        assert_eq!(read_cursor("e2", &cursor), None);
        assert_eq!(read_cursor("e1", &cursor), Some(Place::After { started_at_ms: 1_706_178_600_007, id }));
    }

    #[test]
    fn a_list_has_the_same_name_on_every_page_and_another_with_other_filters() {
        let list = ListExecutionsRequest { workflow_id: vec![1; 16].into(), ..Default::default() };
        let later = ListExecutionsRequest { page: 3, limit: 7, cursor: "x".to_owned(), ..list.clone() };
        assert_eq!(name_of(&later), name_of(&list));
        for other in [
            ListExecutionsRequest { workflow_id: vec![2; 16].into(), ..list.clone() },
            ListExecutionsRequest { status: v1::ExecutionStatus::Failed.into(), ..list.clone() },
            ListExecutionsRequest { start_at_ms: Some(0), ..list.clone() },
        ] {
            assert_ne!(name_of(&other), name_of(&list));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "",
            "e1",
            "e1-",
            "e1-zz-0",
            "e1-1",
            "e1-1-2",
            "1-00000000000000000000000000000000",
            "e1--1-00000000000000000000000000000000",
            "e1-7fffffffffffffff-00000000000000000000000000000000",
        ] {
            assert_eq!(read_cursor("e1", text), None, "{text}");
        }
    }
}
