//! Conversations as they are stored, and what makes their inputs known again.

use contracts::v1;
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use uuid::Uuid;

use super::WaitsOn;

/// A conversation as it is stored. Its row stays when the flow is over, since `seq` goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Derived from account, channel and customer.
    pub id: ConversationId,
    /// Its partition.
    pub partition: u32,
    /// Its account.
    pub account: AccountId,
    /// Its channel.
    pub channel: String,
    /// Its customer.
    pub customer_id: String,
    /// The last event number that was given out; 0 before the first.
    pub seq: u64,
    /// Where it waits, when it waits.
    pub wait: Option<Wait>,
    /// Goes up with each wait, so that a late timer or result is known as such.
    pub wait_no: u64,
    /// Its mailbox holds the positions from here …
    pub mail_from: u64,
    /// … to before here.
    pub mail_to: u64,
    /// When the row was last changed, Unix milliseconds.
    pub updated_at_ms: i64,
    /// Who has it, when that is not the bot.
    pub person: Option<Person>,
    /// Goes up with each change of owner.
    pub owner_epoch: u64,
}

impl Conversation {
    /// Whether it was erased: only numbers are left of it, so that what was told under them is not told again.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.customer_id.is_empty()
    }
}

/// Who has a conversation instead of the bot, which is silent meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Of which team; may be empty.
    pub team: String,
    /// Who; may be empty.
    pub agent: String,
    /// What they should know; may be empty.
    pub note: String,
    /// Since when, Unix milliseconds.
    pub since_ms: i64,
    /// Then the bot has it again, unless a person does something, Unix milliseconds.
    pub until_ms: i64,
    /// How long after an act of a person that is, milliseconds.
    pub return_after_ms: i64,
}

/// A conversation inside a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The flow.
    pub workflow: WorkflowId,
    /// The revision that the conversation is pinned to.
    pub revision: u32,
    /// The workflow's `state_no` when the flow started.
    pub started_state_no: u64,
    /// The node that waits.
    pub node_id: String,
    /// The engine's state, format-versioned.
    pub state: Vec<u8>,
    /// After this, Unix milliseconds, the flow is over.
    pub until_ms: i64,
    /// What it waits for.
    pub on: WaitsOn,
    /// When it began to wait, Unix milliseconds.
    pub since_ms: i64,
    /// When the flow goes on by itself, Unix milliseconds; none when it does not.
    pub timer_at_ms: Option<i64>,
    /// Of a flow that has failed: the execution that did.
    pub failed: Option<ExecutionId>,
}

/// The key that makes an API start one start: its execution's id.
#[must_use]
pub fn start_key(execution: ExecutionId) -> Uuid {
    Uuid::new_v5(execution.as_uuid(), b"start")
}

/// The key that makes a message one message: its conversation and the sender's id.
#[must_use]
pub fn message_key(conversation: ConversationId, message_id: &str) -> Uuid {
    Uuid::new_v5(conversation.as_uuid(), message_id.as_bytes())
}

/// The key that makes a command one command: the id that it was given.
#[must_use]
pub fn command_key(id: ExecutionId) -> Uuid {
    Uuid::new_v5(id.as_uuid(), b"command")
}

/// What became of a message, an API start or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandledMessage {
    /// [`message_key`], [`start_key`] or [`command_key`].
    pub key: Uuid,
    /// When it was accepted, Unix milliseconds.
    pub accepted_at_ms: i64,
    /// What it was.
    pub handled: HandledAs,
}

/// How an input was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandledAs {
    /// It started this execution of this workflow.
    Execution(ExecutionId, WorkflowId),
    /// No workflow took it.
    Ignored,
    /// A command that made no execution, or a message to the person who has the conversation.
    Done(ExecutionId),
}

impl HandledAs {
    /// By this execution.
    #[must_use]
    pub fn by(execution: &v1::Execution) -> Self {
        let ids = (ExecutionId::from_slice(&execution.id), WorkflowId::from_slice(&execution.workflow_id));
        match ids {
            (Ok(execution), Ok(workflow)) => Self::Execution(execution, workflow),
            _ => Self::Ignored,
        }
    }
}
