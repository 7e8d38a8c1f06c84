//! What is told of a conversation beside its executions: who has it, and what a person says.

use contracts::v1;
use contracts::v1::conversation_note::Kind;
use flow_model::{AccountId, MessageId};

use super::event::{Data, EventType};
use super::{Told, conversation_id};
use crate::partition::port::OutboxKey;

/// The event of a note.
pub(super) fn told_by(note: &v1::ConversationNote) -> Option<Told<'_>> {
    let account = AccountId::from_slice(&note.account_id).ok()?;
    let mut data = Data {
        conversation_id: conversation_id(&note.conversation_id),
        customer_id: &note.customer_id,
        channel: &note.channel,
        ..Data::default()
    };
    let event_type = match note.kind.as_ref()? {
        Kind::Assigned(handoff) => {
            add_handoff(Some(handoff), &mut data);
            EventType::ConversationAssigned
        }
        Kind::Released(released) => {
            data.owner_epoch = Some(released.owner_epoch);
            data.reason = Some(&released.reason);
            EventType::ConversationReleased
        }
        Kind::Said(said) => {
            data.reply_id = Some(reply_id(note));
            data.message = Some(&said.text);
            data.agent = Some(&said.agent);
            EventType::MessageSent
        }
    };
    let conversation_seq = note.conversation_seq;
    Some(Told { account, event_type, time_ms: note.at_ms, conversation_seq, data })
}

/// Who gets the conversation.
pub(super) fn add_handoff<'a>(handoff: Option<&'a v1::Handoff>, data: &mut Data<'a>) {
    let Some(handoff) = handoff else { return };
    data.team = Some(&handoff.team);
    data.agent = Some(&handoff.agent);
    data.note = Some(&handoff.note).filter(|note| !note.is_empty()).map(String::as_str);
    data.owner_epoch = Some(handoff.owner_epoch);
}

/// What a person said, to be sent to the customer; `index` is its number among the commit's replies.
pub(super) fn reply(note: &v1::ConversationNote, key: OutboxKey, index: usize) -> Option<v1::OutboundReply> {
    let Some(Kind::Said(said)) = &note.kind else { return None };
    Some(v1::OutboundReply {
        id: reply_id(note),
        account_id: note.account_id.clone(),
        conversation_id: note.conversation_id.clone(),
        customer_id: note.customer_id.clone(),
        channel: note.channel.clone(),
        text: said.text.clone(),
        partition: key.partition,
        commit_no: key.commit_no,
        index: u32::try_from(index).unwrap_or(u32::MAX),
        owner_epoch: said.owner_epoch,
        agent: said.agent.clone(),
        ..v1::OutboundReply::default()
    })
}

/// The stable key under which it is sent.
pub fn reply_id(note: &v1::ConversationNote) -> String {
    MessageId::from_slice(&note.id).map_or_else(|_| String::new(), |id| id.to_string())
}
