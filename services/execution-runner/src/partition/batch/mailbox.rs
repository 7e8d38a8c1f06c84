//! Mailboxes: what comes while a conversation's execution is running waits there, in order.

use std::collections::VecDeque;

use contracts::v1;
use flow_model::{ConversationId, WorkflowId};
use prost::Message;

use super::{AnswerWith, Batch};
use crate::partition::arrival::{Arrival, What};
use crate::partition::frame::Frame;
use crate::partition::port::{Conversation, DeadLetter, Mail};
use crate::partition::turn::{self, Surroundings};

/// Inputs that wait in one mailbox; those beyond go to the dead letters.
const MAILBOX_MAX: u32 = 100;
/// The highest place in a frame that the store can hold.
const LAST_PLACE: u32 = 0x7fff_ffff;
const MAILBOX_FULL: &str = "too many inputs wait for the conversation's activity";

impl Batch {
    /// Puts an input into its conversation's mailbox.
    pub(super) fn post(&mut self, arrival: &Arrival, mut conversation: Conversation) {
        self.moved.insert(arrival.partition);
        let Some((position, input)) =
            self.frames.get(self.next.0).and_then(|frame| frame.encoded(self.next.1))
        else {
            return;
        };
        if conversation.mail_to - conversation.mail_from >= u64::from(MAILBOX_MAX) {
            let seq = self.frames.get(self.next.0).map_or(0, Frame::seq);
            self.dead.push(letter(arrival, seq, position, input, MAILBOX_FULL));
            self.answer(arrival, AnswerWith::Dead);
            return;
        }
        let mail = Mail {
            conversation: conversation.id,
            position: conversation.mail_to,
            partition: conversation.partition,
            key: arrival.key.unwrap_or_default(),
            input,
        };
        self.mail.entry(conversation.id).or_default().push_back(mail);
        conversation.mail_to += 1;
        self.changed.insert(conversation.id);
        self.loaded.conversations.insert(conversation.id, conversation);
    }

    /// Handles the next input of a mailbox, unless the conversation is busy again or nothing is left.
    pub(super) fn open_mail(
        &mut self,
        id: ConversationId,
        around: &mut Surroundings<'_>,
    ) -> Option<(WorkflowId, u32)> {
        let is_running = self.loaded.conversations.get(&id).is_some_and(Conversation::is_running);
        let next = self.mail.get(&id).and_then(VecDeque::front).filter(|_| !is_running);
        let Some(mail) = next else {
            self.emptying = None;
            return None;
        };
        // It was read before it was put there.
        let input = v1::Input::decode(mail.input.as_slice()).ok().and_then(|input| Arrival::read(input).ok());
        if let Some(arrival) = input
            && let Some(missing) = self.handle(&arrival, around)
        {
            return Some(missing);
        }
        self.take_mail(id);
        None
    }

    /// What waits in a mailbox is not handled, and whoever waits for it is told so.
    pub(super) fn discard_mail(&mut self, id: ConversationId) {
        while let Some(mail) = self.take_mail(id) {
            let read = v1::Input::decode(mail.input.as_slice()).ok();
            if let Some(waited) = read.and_then(|input| Arrival::read(input).ok()) {
                self.answer(&waited, AnswerWith::Ignored);
            }
        }
    }

    fn take_mail(&mut self, id: ConversationId) -> Option<Mail> {
        let mail = self.mail.get_mut(&id)?.pop_front()?;
        if let Some(conversation) = self.loaded.conversations.get_mut(&id) {
            conversation.mail_from = mail.position + 1;
        }
        self.changed.insert(id);
        self.mail_taken.insert(id);
        Some(mail)
    }

    /// Nobody can handle what the conversation waited for: its flow is over, and what waits in its mailbox goes to the dead
    /// letters, too.
    pub(super) fn give_up(&mut self, position: u32, arrival: &Arrival, now_ms: i64) {
        let id = arrival.conversation;
        self.is_over(arrival);
        self.emptying = None;
        let Some(mut conversation) = self.loaded.conversations.get(&id).cloned() else { return };
        let wait_no = match arrival.what {
            What::Timer { wait_no } | What::Result { wait_no, .. } => wait_no,
            What::Message { .. } | What::Start { .. } | What::Command(_) => return,
        };
        let waits = conversation.wait.is_some() || conversation.person.is_some();
        if conversation.wait_no != wait_no || !waits {
            return;
        }
        let running = self.running.get(&id).cloned().flatten();
        let executed = turn::give_up(&mut conversation, running, now_ms);
        self.changed.insert(id);
        self.loaded.conversations.insert(id, conversation);
        if let Some(executed) = executed {
            self.complete(arrival.partition, id, executed);
        }
        let mut places = places_beside(position);
        while let Some(mail) = self.take_mail(id) {
            let place = places.next().unwrap_or(LAST_PLACE);
            let read =
                v1::Input::decode(mail.input.as_slice()).ok().and_then(|input| Arrival::read(input).ok());
            let Some(waited) = read else { continue };
            let seq = self.frames.first().map_or(0, Frame::seq);
            self.answer(&waited, AnswerWith::Dead);
            self.dead.push(letter(
                &waited,
                seq,
                place,
                mail.input,
                "what it waited for could not be handled",
            ));
        }
    }
}

/// Places in a frame for the mail of the conversation whose input at this place is given up: no other input of the frame, nor
/// the mail of another one, has them. The frame's own inputs have small ones.
fn places_beside(position: u32) -> impl Iterator<Item = u32> {
    let first = position.saturating_mul(MAILBOX_MAX + 1);
    (0..=MAILBOX_MAX).map(move |number| LAST_PLACE.saturating_sub(first).saturating_sub(number))
}

/// An input that cannot be handled where it is.
fn letter(arrival: &Arrival, seq: u64, position: u32, payload: Vec<u8>, error: &str) -> DeadLetter {
    let kind = match arrival.what {
        What::Message { .. } => v1::DeadLetterKind::Message,
        What::Start { .. } => v1::DeadLetterKind::Start,
        What::Timer { .. } => v1::DeadLetterKind::Timer,
        What::Result { .. } => v1::DeadLetterKind::Result,
        What::Command(_) => v1::DeadLetterKind::Command,
    };
    let (error, input) = (error.to_owned(), Some(arrival.dead()));
    DeadLetter { seq, position, kind, payload, error, attempts: 1, input }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};

    use bytes::Bytes;
    use contracts::v1::input::Kind;
    use flow_model::{AccountId, ExecutionId};
    use uuid::Uuid;

    use super::*;
    use crate::partition::port::{Loaded, Ownership, RawFrame, Wait, WaitsOn};

    fn input(customer: &str, kind: Kind) -> v1::Input {
        v1::Input {
            account_id: AccountId::named("a").to_vec().into(),
            execution_id: ExecutionId::new(Uuid::from_u128(1)).to_vec().into(),
            customer_id: customer.to_owned(),
            channel: "web".to_owned(),
            kind: Some(kind),
            ..v1::Input::default()
        }
    }

    fn result(customer: &str) -> v1::Input {
        let activity_id = vec![7; 16].into();
        let output_json = Bytes::from_static(b"{}");
        let result = v1::ActivityResult { wait_no: 1, activity_id, output_json, failure: None };
        input(customer, Kind::Result(result))
    }

    /// A conversation that waits for an activity, with this many messages in its mailbox.
    fn waiting(customer: &str, messages: u64) -> Loaded {
        let account = AccountId::named("a");
        let id = ConversationId::of(account, "web", customer);
        let wait = Wait {
            workflow: WorkflowId::new(Uuid::from_u128(2)),
            revision: 1,
            started_state_no: 1,
            node_id: "ask".to_owned(),
            state: Vec::new(),
            until_ms: i64::MAX,
            on: WaitsOn::Activity,
            since_ms: 0,
            timer_at_ms: None,
            failed: None,
        };
        let conversation = Conversation {
            id,
            partition: 0,
            account,
            channel: "web".to_owned(),
            customer_id: customer.to_owned(),
            seq: 1,
            wait: Some(wait),
            wait_no: 1,
            mail_from: 0,
            mail_to: messages,
            updated_at_ms: 0,
            person: None,
            owner_epoch: 0,
        };
        let mail = |position| {
            let message_id = format!("{customer} {position}");
            let message = v1::InboundMessage { message_id, ..v1::InboundMessage::default() };
            let input = input(customer, Kind::Message(message)).encode_to_vec();
            Mail { conversation: id, position, partition: 0, key: Uuid::default(), input }
        };
        Loaded {
            conversations: HashMap::from([(id, conversation)]),
            mail: HashMap::from([(id, (0..messages).map(mail).collect())]),
            ..Loaded::default()
        }
    }

    #[test]
    fn mail_of_conversations_that_are_given_up_in_one_frame_has_places_of_its_own() {
        let customers = [("ann", 3), ("bob", 2), ("eve", u64::from(MAILBOX_MAX))];
        let inputs = customers.iter().map(|(customer, _)| result(customer)).collect();
        let payload = v1::Frame { inputs, markers: Vec::new() }.encode_to_vec().into();
        let ownership =
            Ownership { partition: 0, epoch: 1, applied_seq: 4, applied_inputs: 0, commit_no: 0, told_no: 0 };
        let owned = BTreeMap::from([(0, ownership)]);
        let frame = Frame::read(&RawFrame { seq: 5, payload }, &owned);

        let mut letters = Vec::new();
        let pieces = frame.take_apart(&BTreeSet::from([0]));
        for ((customer, messages), mut piece) in customers.into_iter().zip(pieces) {
            piece.bury(5, "nobody survives it");
            let mut batch = Batch::new(vec![piece]);
            batch.provide(waiting(customer, messages), 0);
            letters.extend(batch.finish(&owned, 1).commit.dead_letters);
        }

        let places: BTreeSet<(u64, u32)> =
            letters.iter().map(|letter| (letter.seq, letter.position)).collect();
        assert_eq!((letters.len(), places.len()), (3 + 3 + 2 + 100, 3 + 3 + 2 + 100));
        assert!(places.iter().all(|(_, position)| i32::try_from(*position).is_ok()));
    }
}
