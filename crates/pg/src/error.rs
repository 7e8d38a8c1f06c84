//! Telling "the database is away" from "the statement is wrong".

use diesel::result::{DatabaseErrorKind, Error};

/// The database cannot be reached, or did not answer in time. What was asked may have happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the database is unavailable: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    pub(crate) fn new(what: &str, error: &dyn std::error::Error) -> Self {
        let mut text = format!("{what}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(text)
    }

    pub(crate) fn because(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Messages of a server that is going down or coming up, or that gave up waiting.
const AWAY: [&str; 8] = [
    "connection closed",
    "terminating connection",
    "the database system is",
    "canceling statement due to",
    "error communicating with the server",
    "the connection was closed",
    "broken pipe",
    "connection reset",
];

/// Whether a statement failed because the database is away or too slow, and not because of what it says.
#[must_use]
pub fn is_unavailable(error: &Error) -> bool {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        )
        | Error::BrokenTransactionManager => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message().to_lowercase();
            AWAY.iter().any(|away| message.contains(away))
        }
        Error::RollbackErrorOnCommit { commit_error, .. } => is_unavailable(commit_error),
        _ => false,
    }
}
