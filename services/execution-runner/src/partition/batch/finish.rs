//! The commit that a batch becomes.

use std::collections::{BTreeMap, HashMap, HashSet};

use contracts::v1;
use flow_model::{AccountId, ConversationId};
use uuid::Uuid;

use super::{Batch, PendingAnswer};
use crate::partition::frame::Frame;
use crate::partition::port::{CatalogEntry, Commit, Conversation, Move, OutboxKey, OutboxRow, Ownership};

/// What a batch leaves: its commit, and what is to be sent when that has happened.
#[derive(Debug)]
pub struct Outcome {
    /// To be committed.
    pub commit: Commit,
    /// To be answered.
    pub answers: Vec<PendingAnswer>,
    /// One for each traced turn; they end with the commit.
    pub spans: Vec<tracing::Span>,
    /// The last frame that is applied as a whole.
    pub last_seq: u64,
    /// How many inputs it handled.
    pub inputs: usize,
    /// When the newest of them was accepted, Unix milliseconds; none when there was none.
    pub accepted_through_ms: Option<i64>,
}

impl Batch {
    /// The commit of a batch that is done.
    pub fn finish(self, owned: &BTreeMap<u32, Ownership>, incarnation: i64) -> Outcome {
        let (applied_seq, applied_inputs) = self.frames.last().map_or((0, 0), Frame::applied);
        let accepted = self.frames.iter().flat_map(Frame::arrivals).map(|arrival| arrival.accepted_at_ms);
        let (inputs, accepted_through_ms) = (accepted.clone().count(), accepted.max());
        let mut moves = Vec::with_capacity(self.moved.len());
        let mut rows = Vec::with_capacity(self.outbox.len());
        let mut outbox = self.outbox;
        for ownership in owned.values().filter(|ownership| self.moved.contains(&ownership.partition)) {
            let told = outbox.remove(&ownership.partition);
            let commit_no = ownership.commit_no + u64::from(told.is_some());
            moves.push(Move { from: *ownership, applied_seq, applied_inputs, commit_no });
            if let Some(outbox) = told {
                let key = OutboxKey { partition: ownership.partition, commit_no };
                rows.push(OutboxRow { key, outbox });
            }
        }
        let mut conversations = self.loaded.conversations;
        conversations.retain(|id, _| self.changed.contains(id));
        let conversations_gained = gained(&self.were_there, &conversations);
        let (mut timers, mut timers_over) = (Vec::new(), self.timers_over);
        for conversation in conversations.values() {
            let (old, new) = (self.old_timers.get(&conversation.id).copied(), conversation.timer());
            if old != new {
                timers_over.extend(old.map(|timer| (timer.conversation, timer.wait_no)));
                timers.extend(new);
            }
        }
        let (activities, activities_over) = still_under_way(self.activities, self.activities_over);
        let mut mail = Vec::new();
        for (id, kept) in self.mail {
            let loaded_to = self.loaded_mail_to.get(&id).copied().unwrap_or(0);
            mail.extend(kept.into_iter().filter(|mail| mail.position >= loaded_to));
        }
        let taken = self.mail_taken.into_iter();
        let mail_taken = taken.filter_map(|id| Some((id, conversations.get(&id)?.mail_from))).collect();
        let running_over = self.running.iter().filter(|(_, running)| running.is_none());
        let running_over = running_over.map(|(id, _)| *id).collect();
        let running = self.running.into_iter().filter(|(id, _)| self.changed.contains(id));
        let running = running.filter_map(|(_, running)| running).collect();
        let mut markers = Vec::new();
        let mut dead_letters = self.dead;
        for frame in self.frames {
            let seq = frame.seq();
            markers.extend(frame.markers.into_iter().map(|marker| CatalogEntry { seq, marker }));
            dead_letters.extend(frame.dead);
        }
        let commit = Commit {
            incarnation,
            moves,
            counts_under: owned.keys().next().copied().unwrap_or_default(),
            conversations: conversations.into_values().collect(),
            conversations_gained,
            notes: self.notes,
            customers_forgotten: self.customers_forgotten,
            customers: self.customers,
            messages: self.messages,
            executions: self.executions,
            outbox: rows,
            markers,
            dead_letters,
            timers_over,
            timers,
            activities_over,
            activities,
            running_over,
            running,
            mail_taken,
            mail,
        };
        let last_seq = applied_seq;
        Outcome { commit, answers: self.answers, spans: self.spans, last_seq, inputs, accepted_through_ms }
    }
}

/// Without those that are over in the batch that has planned them: nobody is to do them, and no row has to go.
fn still_under_way(planned: Vec<v1::Activity>, over: Vec<Uuid>) -> (Vec<v1::Activity>, Vec<Uuid>) {
    let id = |activity: &v1::Activity| Uuid::from_slice(&activity.id).unwrap_or_default();
    let is_over: HashSet<Uuid> = over.iter().copied().collect();
    let (done, planned): (Vec<v1::Activity>, Vec<v1::Activity>) =
        planned.into_iter().partition(|activity| is_over.contains(&id(activity)));
    let done: HashSet<Uuid> = done.iter().map(id).collect();
    (planned, over.into_iter().filter(|over| !done.contains(over)).collect())
}

/// How many conversations there are more, or less, than there were.
fn gained(
    were_there: &HashSet<ConversationId>,
    changed: &HashMap<ConversationId, Conversation>,
) -> Vec<(AccountId, String, i64)> {
    let mut gained: BTreeMap<(AccountId, String), i64> = BTreeMap::new();
    for conversation in changed.values() {
        let was_there = were_there.contains(&conversation.id);
        let key = (conversation.account, conversation.channel.clone());
        match (was_there, conversation.is_erased()) {
            (false, false) => *gained.entry(key).or_default() += 1,
            (true, true) => *gained.entry(key).or_default() -= 1,
            (true, false) | (false, true) => {}
        }
    }
    let differing = gained.into_iter().filter(|(_, change)| *change != 0);
    differing.map(|((account, channel), change)| (account, channel, change)).collect()
}
