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

/// Why the turn runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause<'a> {
    /// The customer wrote, or an API caller starts the flow.
    Message,
    /// The time that the flow waited for has come.
    Timer,
    /// The person that the flow waited for has given the conversation back.
    Released,
    /// The node at which the flow failed is run once more.
    Retry,
    /// The call that the flow waited for is over.
    Result(Result<&'a Object, &'a Failure>),
}

/// A call, or a step, could not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Such as `HTTP_TIMED_OUT`.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
}

impl Failure {
    /// Of this code.
    #[must_use]
    pub fn of(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Something slow that the flow waits for. It is planned here and done by others.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Who does it.
    pub kind: CallKind,
    /// What is to be done, as JSON that the kind knows.
    pub request: Object,
}

/// Kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// An answer from a knowledge base.
    Answer,
    /// A request to another system.
    Http,
}

/// What a turn did.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Where the conversation stands now; of a turn that failed, where it could be tried again.
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
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The flow has ended.
    Finished,
    /// It waits for the customer.
    WaitingForInput {
        /// After so many milliseconds the flow goes on without an answer; none when only the workflow's own limit counts.
        timeout_ms: Option<i64>,
    },
    /// It waits for a time to come.
    WaitingForTimer {
        /// When, Unix milliseconds.
        until_ms: i64,
    },
    /// It waits for a person to give the conversation back.
    WaitingForAgent {
        /// Who is to take it; empty when anybody may.
        team: String,
        /// What they should know; may be empty.
        note: String,
    },
    /// It waits for a call; the turn is not over, but goes on with the result. Its last step is under way.
    Calling(Call),
    /// It cannot go on.
    Failed {
        /// Such as `STEP_LIMIT_EXCEEDED`.
        code: String,
        /// What went wrong, for people.
        message: String,
        /// Where.
        node_id: String,
    },
}
