//! Conversations: as they stand, what was said in them, and what happened.

use chrono::DateTime;
use contracts::ErrorCode;
use contracts::v1::outbox_entry::Entry;
use contracts::v1::{self, Author, Failure};
use flow_model::{AccountId, ConversationId, ExecutionId};
use prost::Message;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{failure, malformed};
use crate::partition::tell;
use crate::store::read::{Begins, Happened, Reads, Which};

/// Rows of a page at most.
const LIMIT_MAX: u32 = 100;
/// Events of one answer at most.
const EVENTS_MAX: u32 = 500;
/// Bytes of one answer, below the broker's 1 MiB together with the largest single item.
const BYTES_MAX: usize = 512 * 1024;

fn not_found() -> Failure {
    Failure::of(ErrorCode::ConversationNotFound)
}

fn bad_cursor() -> Failure {
    Failure::because(ErrorCode::InvalidRequest, "The cursor is not one that this list gave").at("cursor")
}

fn ids(account: &[u8], conversation: &[u8]) -> Result<(AccountId, ConversationId), Failure> {
    let account = AccountId::from_slice(account).map_err(|_| malformed("account_id"))?;
    let id = ConversationId::from_slice(conversation).map_err(|_| malformed("conversation_id"))?;
    Ok((account, id))
}

/// One, as it stands.
pub(crate) async fn get(
    reads: &Reads,
    request: v1::GetConversationRequest,
    now_ms: i64,
) -> Result<v1::Conversation, Failure> {
    let (account, id) = ids(&request.account_id, &request.conversation_id)?;
    let found = reads.conversation(account, id, now_ms).await.map_err(|error| failure(&error))?;
    found.ok_or_else(not_found)
}

/// A page of them.
pub(crate) async fn list(
    reads: &Reads,
    request: v1::ListConversationsRequest,
    now_ms: i64,
) -> Result<v1::ListConversationsResponse, Failure> {
    let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
    let limit = request.limit.clamp(1, LIMIT_MAX);
    let filters =
        v1::ListConversationsRequest { page: 0, limit: 0, cursor: String::new(), ..request.clone() };
    let name = format!("c{:08x}", xxh3_64(&filters.encode_to_vec()) >> 32);
    let from = match request.cursor.as_str() {
        "" => Begins::Offset(u64::from(request.page.max(1) - 1) * u64::from(limit)),
        cursor => read_cursor(&name, cursor).ok_or_else(bad_cursor)?,
    };
    let with_person = match request.owner() {
        v1::Owner::Person => Some(true),
        v1::Owner::Bot => Some(false),
        v1::Owner::Unspecified => None,
    };
    let which =
        Which { customer_id: request.customer_id.clone(), channel: request.channel.clone(), with_person };
    // One more than is shown: whether there is one says whether there is a next page.
    let listed = reads.conversations(account, which, from, limit + 1, now_ms).await;
    let listed = listed.map_err(|error| failure(&error))?;
    let mut conversations = listed.conversations;
    let more = conversations.len() > limit as usize;
    conversations.truncate(limit as usize);
    let last = conversations.last().filter(|_| more);
    let next_cursor = last.and_then(|last| {
        Some(format!("{name}-{}-{}", last.created_at_ms, Uuid::from_slice(&last.id).ok()?.as_simple()))
    });
    Ok(v1::ListConversationsResponse {
        conversations,
        total: listed.total,
        next_cursor: next_cursor.unwrap_or_default(),
    })
}

/// A cursor is the list's name, and the beginning and the id of the last row. Beginnings are whole milliseconds.
fn read_cursor(name: &str, cursor: &str) -> Option<Begins> {
    let (at, id) = cursor.strip_prefix(name)?.strip_prefix('-')?.split_once('-')?;
    let at = DateTime::from_timestamp_millis(at.parse().ok()?)?;
    Some(Begins::After(at, Uuid::try_parse(id).ok()?))
}

/// What was said in one, newest first.
pub(crate) async fn messages(
    reads: &Reads,
    request: v1::ListConversationMessagesRequest,
    now_ms: i64,
) -> Result<v1::ListConversationMessagesResponse, Failure> {
    let (account, id) = ids(&request.account_id, &request.conversation_id)?;
    let limit = request.limit.clamp(1, LIMIT_MAX) as usize;
    let (before_seq, from_ms) = match request.cursor.as_str() {
        "" => (u64::MAX, now_ms),
        cursor => read_message_cursor(cursor).ok_or_else(bad_cursor)?,
    };
    exists(reads, account, id).await?;
    let said = |happened: &[Happened]| {
        let mut messages: Vec<v1::ConversationMessage> = happened.iter().flat_map(messages_of).collect();
        messages.retain(|message| message.conversation_seq < before_seq);
        messages.sort_by_key(|message| std::cmp::Reverse(message.conversation_seq));
        messages
    };
    let enough = |happened: &[Happened]| said(happened).len() > limit;
    let happened = reads.happened_back(id, from_ms, enough).await.map_err(|error| failure(&error))?;
    let mut messages = said(&happened);
    let fits = count_that_fits(messages.iter().map(Message::encoded_len), BYTES_MAX).min(limit);
    let more = messages.len() > fits;
    messages.truncate(fits);
    let last = messages.last().filter(|_| more);
    let next_cursor = last.map(|last| format!("m-{}-{}", last.conversation_seq, last.at_ms));
    Ok(v1::ListConversationMessagesResponse { messages, next_cursor: next_cursor.unwrap_or_default() })
}

/// How many of the first items fit into so many bytes; one always does.
fn count_that_fits(lengths: impl Iterator<Item = usize>, bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = lengths.take_while(|length| {
        bytes += length;
        bytes <= bytes_max
    });
    fits.count().max(1)
}

/// Whether it has the form of a cursor of a list of conversations of this name, or of one of messages.
pub(super) fn is_cursor(name: &str, cursor: &str) -> bool {
    read_cursor(name, cursor).is_some() || read_message_cursor(cursor).is_some()
}

fn read_message_cursor(cursor: &str) -> Option<(u64, i64)> {
    let (seq, at) = cursor.strip_prefix("m-")?.split_once('-')?;
    Some((seq.parse().ok()?, at.parse().ok()?))
}

async fn exists(reads: &Reads, account: AccountId, id: ConversationId) -> Result<(), Failure> {
    let there = reads.has_conversation(account, id).await.map_err(|error| failure(&error))?;
    if there { Ok(()) } else { Err(not_found()) }
}

fn messages_of(happened: &Happened) -> Vec<v1::ConversationMessage> {
    match happened {
        Happened::Execution(execution) => messages_of_execution(execution),
        Happened::Note(entry) => messages_of_note(entry),
    }
}

fn messages_of_note(entry: &Entry) -> Vec<v1::ConversationMessage> {
    match entry {
        Entry::Ignored(ignored) => vec![v1::ConversationMessage {
            id: message_name(&ignored.execution_id),
            author: Author::Customer.into(),
            text: ignored.text.clone(),
            at_ms: ignored.accepted_at_ms,
            message_id: ignored.message_id.clone(),
            conversation_seq: ignored.first_conversation_seq + u64::from(ignored.customer_created),
            ..v1::ConversationMessage::default()
        }],
        Entry::Note(note) => match &note.kind {
            Some(v1::conversation_note::Kind::Said(said)) => vec![v1::ConversationMessage {
                id: tell::note::reply_id(note),
                author: Author::Person.into(),
                text: said.text.clone(),
                at_ms: note.at_ms,
                agent: said.agent.clone(),
                conversation_seq: note.conversation_seq,
                ..v1::ConversationMessage::default()
            }],
            _ => Vec::new(),
        },
        Entry::Execution(_) | Entry::Part(_) => Vec::new(),
    }
}

fn messages_of_execution(execution: &v1::Execution) -> Vec<v1::ConversationMessage> {
    let Some(record) = &execution.record else { return Vec::new() };
    let of_execution = |conversation_seq: u64| v1::ConversationMessage {
        execution_id: execution.id.clone(),
        workflow_id: execution.workflow_id.clone(),
        conversation_seq,
        ..v1::ConversationMessage::default()
    };
    let message = |(offset, position): (u64, Option<usize>)| {
        let message = of_execution(record.first_conversation_seq + offset);
        match position.map(|position| (position, record.replies.get(position))) {
            Some((position, reply)) => v1::ConversationMessage {
                id: tell::reply_id(execution, position),
                author: Author::Bot.into(),
                text: reply.map(|reply| reply.text.clone()).unwrap_or_default(),
                node_id: reply.map(|reply| reply.node_id.clone()).unwrap_or_default(),
                at_ms: execution.completed_at_ms.unwrap_or(execution.started_at_ms),
                ..message
            },
            None => v1::ConversationMessage {
                id: message_name(&execution.id),
                author: Author::Customer.into(),
                text: record.input_text.clone(),
                message_id: record.message_id.clone(),
                at_ms: execution.started_at_ms,
                ..message
            },
        }
    };
    tell::said_in(execution).map(message).collect()
}

/// The id of a message that came in: it has that of the execution that was minted for it.
fn message_name(execution: &[u8]) -> String {
    let id = ExecutionId::from_slice(execution).map(|id| flow_model::MessageId::new(*id.as_uuid()));
    id.map_or_else(|_| String::new(), |id| id.to_string())
}

/// What happened in one after an event, oldest first.
pub(crate) async fn events(
    reads: &Reads,
    request: v1::ConversationEventsRequest,
    now_ms: i64,
) -> Result<v1::ConversationEventsResponse, Failure> {
    let (account, id) = ids(&request.account_id, &request.conversation_id)?;
    let limit = request.limit.clamp(1, EVENTS_MAX) as usize;
    let after_seq = request.after_seq;
    let found = reads.conversation(account, id, now_ms).await.map_err(|error| failure(&error))?;
    let last_seq = found.ok_or_else(not_found)?.last_seq;
    if after_seq >= last_seq {
        return Ok(v1::ConversationEventsResponse { events_json: Vec::new(), last_seq });
    }
    let enough = |happened: &[Happened]| happened.iter().any(|one| one.first_seq() <= after_seq);
    let happened = reads.happened_back(id, now_ms, enough).await.map_err(|error| failure(&error))?;
    let events = happened.iter().rev().flat_map(|one| match one {
        Happened::Execution(execution) => tell::history_of_execution(execution),
        Happened::Note(entry) => tell::history_of_note(entry),
    });
    let mut events: Vec<_> = events.filter(|(seq, _)| *seq > after_seq).take(limit).collect();
    let fits = count_that_fits(events.iter().map(|(_, event)| event.len()), BYTES_MAX);
    events.truncate(fits);
    let events_json = events.into_iter().map(|(_, event)| event).collect();
    Ok(v1::ConversationEventsResponse { events_json, last_seq })
}
