//! What the store keeps of conversations that wait: timers, activities, running executions, mailboxes.

use contracts::v1;
use flow_model::{AccountId, ConversationId};
use uuid::Uuid;

use super::Conversation;

/// What a conversation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsOn {
    /// The customer.
    Input,
    /// A time.
    Time,
    /// An activity: its execution is running, and further inputs wait in its mailbox.
    Activity,
    /// A person who gives the conversation back.
    Agent,
    /// Nothing: the flow has failed here, and may be tried again until something else happens.
    Retry,
}

impl Conversation {
    /// Whether its execution is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.wait.as_ref().is_some_and(|wait| wait.on == WaitsOn::Activity)
    }

    /// The wait, or the time with a person, that a timer ends, when there is one, and when that is due.
    #[must_use]
    pub fn timer(&self) -> Option<Timer> {
        let due_at_ms = match &self.person {
            Some(person) => person.until_ms,
            None => self.wait.as_ref()?.timer_at_ms?,
        };
        Some(Timer { conversation: self.id, wait_no: self.wait_no, partition: self.partition, due_at_ms })
    }
}

/// A due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// Whose.
    pub conversation: ConversationId,
    /// The wait that it ends.
    pub wait_no: u64,
    /// The conversation's partition.
    pub partition: u32,
    /// When, Unix milliseconds.
    pub due_at_ms: i64,
}

/// An execution that waits for an activity.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Its partition.
    pub partition: u32,
    /// As far as it is: its last step is under way.
    pub execution: v1::Execution,
    /// Who waits for it, or empty.
    pub answer_to: String,
    /// How many of its events are told.
    pub events_told: u32,
    /// How many of its replies are told.
    pub replies_told: u32,
}

/// An input in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whose.
    pub conversation: ConversationId,
    /// Its place in the mailbox.
    pub position: u64,
    /// The conversation's partition.
    pub partition: u32,
    /// What makes a repetition known.
    pub key: Uuid,
    /// An encoded `v1::Input`.
    pub input: Vec<u8>,
}

/// What is due in some partitions.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// Timers, and whose they are.
    pub timers: Vec<DueTimer>,
    /// Activities that have had no result for some time.
    pub activities: Vec<v1::Activity>,
    /// When the next one is due, Unix milliseconds; none when there is none.
    pub next_ms: Option<i64>,
}

/// A timer that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// Which.
    pub timer: Timer,
    /// The conversation's account.
    pub account: AccountId,
    /// Its channel.
    pub channel: String,
    /// Its customer.
    pub customer_id: String,
}

/// An activity whose result has not come so long after it was planned, or after an owner began, is issued again: whoever
/// was to issue it may have died. The stream knows one that it still has.
pub const ISSUE_AGAIN_MS: i64 = 15_000;
