//! Why a fault could not be judged, or was judged badly.

use std::io;

/// What ends a fault early. What is merely wrong afterwards is a problem of its row instead.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The product broke a promise.
    #[error("{0}")]
    Broken(String),
    /// Something did not come true within its hang deadline.
    #[error("this did not come true within {seconds} s: {what}")]
    Late {
        /// What.
        what: String,
        /// The deadline.
        seconds: u64,
    },
    /// The fault cannot be made on this machine; the text says why.
    #[error("{0}")]
    Impossible(String),
    /// A server of the local stack did not start.
    #[error("the local stack")]
    Stack(#[from] local_stack::Error),
    /// The database did not answer the oracle.
    #[error("the database does not answer the oracle")]
    Database(#[from] tokio_postgres::Error),
    /// The database could not be reached by the oracle.
    #[error("the database cannot be reached by the oracle")]
    Unreachable(#[from] pg::Unavailable),
    /// The broker did not answer the oracle.
    #[error("the broker does not answer the oracle")]
    Bus(#[from] bus::Unavailable),
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A task of the suite panicked.
    #[error("a task of the suite has failed")]
    Task(#[from] tokio::task::JoinError),
}

impl Failure {
    /// A broken promise.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }
}

/// Names what was tried when the operating system refuses it.
pub fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
    let what = what.into();
    move |source| Failure::Io { what, source }
}

/// A failure with everything that led to it.
pub fn chain(failure: &dyn std::error::Error) -> String {
    let mut text = failure.to_string();
    let mut source = failure.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
