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
pub const MAILBOX_MAX: u64 = 100;
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
        if conversation.mail_to - conversation.mail_from >= MAILBOX_MAX {
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
    pub(super) fn give_up(&mut self, arrival: &Arrival, now_ms: i64) {
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
        while let Some(mail) = self.take_mail(id) {
            let read =
                v1::Input::decode(mail.input.as_slice()).ok().and_then(|input| Arrival::read(input).ok());
            let Some(waited) = read else { continue };
            let seq = self.frames.first().map_or(0, Frame::seq);
            // Beside the frame's own inputs, whose places are small.
            let place = LAST_PLACE - u32::try_from(self.dead.len()).unwrap_or(0);
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
