//! What the runner answers to other services about what has happened.
//!
//! Nothing here moves a conversation: the only way to do that is an input to its partition, which is what trying a dead
//! letter again gives it. What is changed is history: the executions of a workflow that was deleted go away, what is
//! over its time is dropped, and what commits had to tell is told again.

pub(crate) mod commit_events;
pub(crate) mod conversations;
pub(crate) mod dead_letters;
pub(crate) mod erase_customer;
pub(crate) mod erase_workflow;
pub(crate) mod find_message;
pub(crate) mod list_executions;
pub(crate) mod list_runners;
pub(crate) mod read;
pub(crate) mod republish;
pub(crate) mod retention;

use contracts::ErrorCode;
use contracts::v1::Failure;

use crate::store::read::ReadError;

/// Whether a text has the form of a cursor of any list of this name that the runner gives. Takes any text.
#[must_use]
pub fn is_cursor(list: &str, text: &str) -> bool {
    list_executions::read_cursor(list, text).is_some()
        || conversations::is_cursor(list, text)
        || dead_letters::read_cursor(list, text).is_some()
}

/// A read that failed, as other services hear it. What went wrong is in the log only.
pub(crate) fn failure(error: &ReadError) -> Failure {
    match error {
        ReadError::Unavailable(_) | ReadError::Lost(_) => {
            tracing::warn!(%error, "the database is away");
            Failure::because(ErrorCode::ServiceUnavailable, "The database is away")
        }
        ReadError::Statement(cause) => {
            tracing::error!(%error, %cause, "a read failed");
            Failure::of(ErrorCode::InternalError)
        }
    }
}

/// An id on the bus that is not one can only come from a faulty caller.
pub(crate) fn malformed(field: &str) -> Failure {
    Failure::because(ErrorCode::InvalidRequest, format!("{field} is not an id"))
}
