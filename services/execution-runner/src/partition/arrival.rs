//! An input as it came out of a frame, checked once, so that nothing after this meets bad bytes.

use contracts::v1;
use contracts::v1::input::Kind;
use flow_engine::{Failure, Object};
use flow_model::{AccountId, Channel, ConversationId, ExecutionId, WorkflowId};
use uuid::Uuid;

mod command;

pub use self::command::{Assignment, Command, Retried};
use super::port::{DeadInput, command_key, message_key, start_key};

/// One input.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The partition that it moves.
    pub partition: u32,
    /// Whose it is.
    pub account: AccountId,
    /// Who wrote.
    pub customer_id: String,
    /// Over what.
    pub channel: Channel,
    /// What it moves.
    pub conversation: ConversationId,
    /// The id that an execution started by it has.
    pub execution: ExecutionId,
    /// When the gateway took it, Unix milliseconds.
    pub accepted_at_ms: i64,
    /// Trace of the request, or empty.
    pub traceparent: String,
    /// Who waits, or empty.
    pub answer_to: String,
    /// Makes a repetition known as one; none where the number of a wait does.
    pub key: Option<Uuid>,
    /// What it is.
    pub what: What,
}

/// What an input is.
#[derive(Debug, Clone)]
pub enum What {
    /// A customer's message.
    Message {
        /// The sender's own id.
        message_id: String,
        /// What was written.
        text: String,
        /// Only this workflow's trigger is looked at.
        workflow: Option<WorkflowId>,
        /// The caller's JSON object, or empty.
        metadata_json: bytes::Bytes,
    },
    /// A start by an API caller.
    Start {
        /// What to start.
        workflow: WorkflowId,
        /// What the flow sees as the message.
        text: String,
        /// Ends what the conversation waits in.
        replace: bool,
    },
    /// The time that the conversation waited for has come.
    Timer {
        /// In which wait.
        wait_no: u64,
    },
    /// The activity that it waited for is over.
    Result {
        /// In which wait.
        wait_no: u64,
        /// Which activity.
        activity: Uuid,
        /// How it ended.
        ended: Result<Object, Failure>,
    },
    /// A person, or an API consumer, does something with the conversation.
    Command(Command),
}

/// The input's bytes make no sense.
#[derive(Debug, thiserror::Error)]
#[error("the input has no valid {0}")]
pub struct Malformed(&'static str);

impl Arrival {
    /// Checks an input.
    pub fn read(input: v1::Input) -> Result<Self, Malformed> {
        let account = AccountId::from_slice(&input.account_id).map_err(|_| Malformed("account_id"))?;
        let execution =
            ExecutionId::from_slice(&input.execution_id).map_err(|_| Malformed("execution_id"))?;
        let channel: Channel = input.channel.parse().map_err(|_| Malformed("channel"))?;
        let conversation = ConversationId::of(account, channel.as_str(), &input.customer_id);
        let kind = input.kind.ok_or(Malformed("kind"))?;
        let key = match &kind {
            Kind::Message(message) => Some(message_key(conversation, &message.message_id)),
            Kind::Start(_) => Some(start_key(execution)),
            Kind::Command(_) => Some(command_key(execution)),
            Kind::Timer(_) | Kind::Result(_) => None,
        };
        let what = match kind {
            Kind::Message(message) => What::Message {
                message_id: message.message_id,
                text: message.text,
                workflow: optional_workflow(&message.workflow_id)?,
                metadata_json: message.metadata_json,
            },
            Kind::Start(start) => What::Start {
                workflow: optional_workflow(&start.workflow_id)?.ok_or(Malformed("workflow_id"))?,
                text: start.text,
                replace: start.replace,
            },
            Kind::Timer(timer) => What::Timer { wait_no: timer.wait_no },
            Kind::Command(command) => What::Command(Command::read(command)?),
            Kind::Result(result) => What::Result {
                wait_no: result.wait_no,
                activity: Uuid::from_slice(&result.activity_id).map_err(|_| Malformed("activity_id"))?,
                ended: ended(result)?,
            },
        };
        Ok(Self {
            partition: input.partition,
            account,
            customer_id: input.customer_id,
            channel,
            conversation,
            execution,
            accepted_at_ms: input.accepted_at_ms,
            traceparent: input.traceparent,
            answer_to: input.answer_to,
            key,
            what,
        })
    }

    /// The customer, as known customers are looked up.
    pub fn customer(&self) -> (AccountId, String) {
        (self.account, self.customer_id.clone())
    }

    /// What is kept of it when it cannot be handled.
    pub fn dead(&self) -> DeadInput {
        let message_id = match &self.what {
            What::Message { message_id, .. } => message_id.clone(),
            What::Start { .. } | What::Timer { .. } | What::Result { .. } | What::Command(_) => String::new(),
        };
        DeadInput {
            partition: self.partition,
            account: self.account,
            channel: self.channel.as_str().to_owned(),
            customer_id: self.customer_id.clone(),
            message_id,
            key: self.key,
            execution: self.execution,
        }
    }

    /// What the flow sees as the message.
    pub fn text(&self) -> &str {
        match &self.what {
            What::Message { text, .. } | What::Start { text, .. } => text,
            What::Command(Command::Retry(retried)) => &retried.text,
            What::Timer { .. } | What::Result { .. } | What::Command(_) => "",
        }
    }

    /// Whether it is one that a conversation's mailbox keeps while its execution is running.
    pub fn can_wait(&self) -> bool {
        matches!(self.what, What::Message { .. } | What::Start { .. })
    }

    /// Whether it is about what the conversation waits in, rather than about something new.
    pub fn is_about_wait(&self) -> bool {
        matches!(self.what, What::Timer { .. } | What::Result { .. })
    }
}

fn ended(result: v1::ActivityResult) -> Result<Result<Object, Failure>, Malformed> {
    match result.failure {
        Some(failure) => Ok(Err(Failure { code: failure.code, message: failure.message })),
        None => serde_json::from_slice(&result.output_json).map(Ok).map_err(|_| Malformed("output_json")),
    }
}

fn optional_workflow(bytes: &[u8]) -> Result<Option<WorkflowId>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    WorkflowId::from_slice(bytes).map(Some).map_err(|_| Malformed("workflow_id"))
}
