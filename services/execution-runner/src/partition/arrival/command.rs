//! What a person, or an API consumer, does with a conversation.

use contracts::v1;
use contracts::v1::command::Kind;
use flow_model::ExecutionId;

use super::Malformed;

/// One of them.
#[derive(Debug, Clone)]
pub enum Command {
    /// Ends what the conversation is in.
    Cancel {
        /// Only when this execution is running.
        only: Option<ExecutionId>,
    },
    /// Runs the node at which an execution failed once more.
    Retry(Box<Retried>),
    /// Gives the conversation to a person.
    Assign(Box<Assignment>),
    /// Gives it back.
    Release,
    /// A person says something.
    Say {
        /// What.
        text: String,
        /// Who; whoever has the conversation when empty.
        agent: String,
    },
    /// Forgets it.
    Erase,
}

/// The execution that is tried again, and what it was given.
#[derive(Debug, Clone)]
pub struct Retried {
    /// Which.
    pub execution: ExecutionId,
    /// What the flow sees as the message.
    pub text: String,
    /// The sender's own id, or empty.
    pub message_id: String,
    /// The caller's JSON object, or empty.
    pub metadata_json: bytes::Bytes,
}

/// Who gets a conversation.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Of which team; may be empty.
    pub team: String,
    /// Who; may be empty.
    pub agent: String,
    /// What they should know; may be empty.
    pub note: String,
    /// Without an act of a person for so long it goes back, milliseconds; what is usual when none.
    pub return_after_ms: Option<i64>,
}

impl Command {
    /// Checks one.
    pub(super) fn read(command: v1::Command) -> Result<Self, Malformed> {
        Ok(match command.kind.ok_or(Malformed("command"))? {
            Kind::Cancel(cancel) if cancel.execution_id.is_empty() => Self::Cancel { only: None },
            Kind::Cancel(cancel) => Self::Cancel { only: Some(execution(&cancel.execution_id)?) },
            Kind::Retry(retry) => Self::Retry(Box::new(Retried {
                execution: execution(&retry.execution_id)?,
                text: retry.text,
                message_id: retry.message_id,
                metadata_json: retry.metadata_json,
            })),
            Kind::Assign(assign) => Self::Assign(Box::new(Assignment {
                team: assign.team,
                agent: assign.agent,
                note: assign.note,
                return_after_ms: Some(assign.return_after_ms).filter(|ms| *ms > 0),
            })),
            Kind::Release(v1::Release {}) => Self::Release,
            Kind::Say(v1::Say { text, agent }) => Self::Say { text, agent },
            Kind::Erase(v1::Erase {}) => Self::Erase,
        })
    }
}

fn execution(bytes: &[u8]) -> Result<ExecutionId, Malformed> {
    ExecutionId::from_slice(bytes).map_err(|_| Malformed("execution_id"))
}
