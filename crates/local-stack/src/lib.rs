//! A private PostgreSQL and a private nats-server: real ones, as child processes on free loopback ports.
//!
//! They end with the process that started them, also when that is killed (see `keeper.rs`). Everything blocks:
//! starting a server takes a few tenths of a second. What is deliberately absent: any other way to run a
//! server, and any knowledge of what is stored in them.

mod binaries;
mod keeper;
mod log;
mod nats;
mod port;
mod postgres;
pub mod testing;

use std::io;
use std::path::PathBuf;

pub use nats::{Nats, PID_FILE, USERS_FILE, Users};
pub use postgres::Postgres;

/// A server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is not on this machine; the text says how to get it.
    #[error("{0}")]
    Missing(String),
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// It ended or was not ready in time.
    #[error("{server} did not become ready: {why}\nthe end of {}:\n{tail}", log.display())]
    NotReady {
        /// Which.
        server: &'static str,
        /// What was seen.
        why: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A statement that prepares a database failed.
    #[error("the database could not be prepared")]
    Database(#[from] tokio_postgres::Error),
}

/// Names what was tried when the operating system refuses it.
fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}
