//! What goes into a turn and what comes out.

use serde_json::{Map, Value};

use crate::state::State;

/// A JSON object, as step outputs and variables are kept.
pub type Object = Map<String, Value>;

/// What a customer wrote, or an API caller said for one. Data: never run as a template or an expression.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The text.
    pub text: &'a str,
    /// The sender's own id; empty for an API start.
    pub message_id: &'a str,
    /// Who.
    pub customer_id: &'a str,
    /// Over what.
    pub channel: &'a str,
    /// What the caller added.
    pub metadata: Option<&'a Value>,
}

/// What a turn did.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Where the conversation stands now.
    pub state: State,
    /// What ran, in order.
    pub steps: Vec<Step>,
    /// What is to be said, in order.
    pub replies: Vec<Reply>,
    /// Why the turn is over.
    pub ending: Ending,
}

/// One node's run.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which node.
    pub node_id: String,
    /// Its type, such as `message`.
    pub node_type: &'static str,
    /// How it went.
    pub status: StepStatus,
    /// When it began, Unix milliseconds.
    pub started_at_ms: i64,
    /// When it was over, Unix milliseconds; not before it began.
    pub completed_at_ms: i64,
    /// What it gave.
    pub output: Object,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepStatus {
    /// It did what it should.
    Completed,
    /// It could not.
    Failed,
    /// It waits for something slow.
    Running,
    /// It was passed over.
    Skipped,
}

/// Something to say to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The node that says it.
    pub node_id: String,
    /// The text.
    pub text: String,
}

/// Why a turn is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The flow has ended.
    Finished,
    /// It waits for the customer.
    WaitingForInput,
    /// It cannot go on.
    Failed {
        /// Such as `STEP_LIMIT_EXCEEDED`.
        code: &'static str,
        /// What went wrong, for people.
        message: String,
        /// Where.
        node_id: String,
    },
}
