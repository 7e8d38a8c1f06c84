//! What became of a message: handled, dead, still in the stream, or never seen.
//!
//! A message that has neither a key nor a dead letter in the database may have been accepted and wait in the stream, between its
//! partition's cursor and the stream's end; that piece is looked through, up to a bound.

use bus::Bus;
use bus::frames::{self, Scanned};
use contracts::v1::{self, Failure, MessageState};
use contracts::{ErrorCode, partition};
use flow_model::{AccountId, ConversationId};
use prost::Message;

use super::{failure, malformed};
use crate::partition::port::message_key;
use crate::store::read::{Cursor, MessageFate, Reads};

/// Frames that are looked through.
const FRAMES_MAX: usize = 2000;

/// Who asks for what.
pub(crate) struct MessageFinder {
    reads: Reads,
    bus: Bus,
    partitions: u32,
    deduplication_ms: i64,
}

impl MessageFinder {
    /// Looks back as far as de-duplication does.
    pub fn new(reads: Reads, bus: Bus, partitions: u32, deduplication_ms: i64) -> Self {
        Self { reads, bus, partitions, deduplication_ms }
    }

    /// Answers; `UNSPECIFIED` is a message that was never seen.
    pub async fn find(
        &self,
        request: v1::GetMessageRequest,
        now_ms: i64,
    ) -> Result<v1::GetMessageResponse, Failure> {
        let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
        let conversation = ConversationId::of(account, &request.channel, &request.customer_id);
        let key = message_key(conversation, &request.message_id);
        let since_ms = now_ms - self.deduplication_ms;
        let answer = |state: MessageState| v1::GetMessageResponse {
            state: state.into(),
            conversation_id: conversation.to_vec().into(),
            ..v1::GetMessageResponse::default()
        };
        let told = |fate: MessageFate| match fate {
            MessageFate::Handled(execution, workflow) => v1::GetMessageResponse {
                execution_id: execution.to_vec().into(),
                workflow_id: workflow.to_vec().into(),
                ..answer(MessageState::Handled)
            },
            MessageFate::Ignored => answer(MessageState::Ignored),
            MessageFate::WithPerson => answer(MessageState::WithPerson),
            MessageFate::Waiting => answer(MessageState::Accepted),
            MessageFate::Dead => answer(MessageState::Dead),
        };
        // The cursor is read before the key and the dead letter: a message that is handled or put aside in between is then
        // found by one of them, and one that is tried again stands after the cursor.
        let partition = partition::of_customer(account, &request.customer_id, self.partitions);
        let cursor = self.reads.cursor(partition).await.map_err(|error| failure(&error))?;
        let known = || async { self.reads.message(key, since_ms).await.map_err(|error| failure(&error)) };
        if let Some(fate) = known().await? {
            return Ok(told(fate));
        }
        let Some(cursor) = cursor else { return Ok(answer(MessageState::Unspecified)) };
        let waits = |input: &v1::Input| {
            input.partition == partition
                && input.account_id == request.account_id
                && input.customer_id == request.customer_id
                && input.channel == request.channel
                && matches!(&input.kind, Some(v1::input::Kind::Message(message)) if message.message_id == request.message_id)
        };
        match self.scan(cursor, waits).await? {
            Scanned::Found => Ok(answer(MessageState::Accepted)),
            Scanned::All => match known().await? {
                // It was handled or put aside while the stream was looked through.
                Some(fate) => Ok(told(fate)),
                None => Ok(answer(MessageState::Unspecified)),
            },
            Scanned::Part => Err(Failure::because(
                ErrorCode::ServiceUnavailable,
                "Too many messages wait to be handled to find this one among them",
            )),
        }
    }

    async fn scan(&self, cursor: Cursor, waits: impl Fn(&v1::Input) -> bool) -> Result<Scanned, Failure> {
        let away = |error: bus::Unavailable| {
            tracing::warn!(%error, "the stream cannot be looked through");
            Failure::because(ErrorCode::ServiceUnavailable, "The bus is away")
        };
        let stream = frames::stream(&self.bus, cursor.group).await.map_err(away)?;
        let applied_seq = if cursor.incarnation == stream.incarnation { cursor.applied_seq } else { 0 };
        if stream.last_seq <= applied_seq {
            return Ok(Scanned::All);
        }
        let found = |frame: bus::reader::StreamMessage| {
            v1::Frame::decode(frame.payload).is_ok_and(|frame| frame.inputs.iter().any(&waits))
        };
        let range = (applied_seq + 1, stream.last_seq);
        frames::scan(&self.bus, cursor.group, range, FRAMES_MAX, found).await.map_err(away)
    }
}
