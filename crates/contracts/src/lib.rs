//! What the services say to each other: bus messages, subjects, error codes and the partition of a customer.
//!
//! The messages are generated from `proto-schemas/turnloom/v1`, which is their source.
//! There is no I/O here: `bus` carries what this crate describes.

pub mod access;
pub mod cost;
pub mod error;
pub mod event_type;
pub mod partition;
pub mod subject;

/// The messages of `proto-schemas/turnloom/v1`, as prost generates them.
#[expect(missing_docs, reason = "documented in the .proto files")]
#[allow(clippy::all, clippy::pedantic, reason = "generated code")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/turnloom.v1.rs"));
}

impl v1::ExecutionRecord {
    /// Whether a customer's message began it: it tells of one, and counts as one that was received.
    #[must_use]
    pub fn began_by_message(&self) -> bool {
        let by_something_else = self.started_by_api || self.started_by_timer || self.started_by_release;
        !by_something_else && self.retry_of.is_empty()
    }
}

/// The source of [`v1::Replies`], for subscribers in other languages.
pub const REPLIES_PROTO: &str = include_str!("../../../proto-schemas/turnloom/v1/replies.proto");

pub use error::ErrorCode;
