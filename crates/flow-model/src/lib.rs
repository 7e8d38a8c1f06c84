//! The nouns of Turnloom: ids, channels, workflows and their nodes; and what makes a workflow valid.
//!
//! Pure: no I/O, no clock, no randomness, no async. Everything that another crate knows about a workflow's
//! configuration it knows through [`workflow::Configuration`], which only validation makes from a document.

pub mod channel;
pub mod document;
pub mod duration;
pub mod id;
pub mod limits;
pub mod problem;
pub mod secret_name;
pub mod validate;
pub mod workflow;

pub use channel::Channel;
pub use id::{
    AccountId, ApiKeyId, AuditEntryId, ConversationId, DeadLetterId, ExecutionId, KnowledgeBaseId, MessageId,
    OAuthClientId, RunnerId, WorkflowId,
};
pub use problem::{Problem, ProblemCode, Warning, WarningCode};
pub use secret_name::SecretName;
