//! What one connection sends, and what it makes of the answers.

use std::io;

use crate::http::Request;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken, or answered as asked.
    Good,
    /// It was refused: an error of the API.
    Refused,
    /// It was answered, but not with what it should have been.
    Wrong,
    /// Nobody knows.
    Unknown,
}

/// What one connection sends, request by request.
pub trait Script: Send {
    /// Makes the next request; false when there is none left.
    fn next(&mut self, request: &mut Request) -> bool;

    /// Judges the answer.
    fn answered(&mut self, status: u16, body: &[u8]) -> Outcome;

    /// The answer did not come. Only what was acknowledged must be there.
    fn unanswered(&mut self, _error: &io::Error) -> Outcome {
        Outcome::Unknown
    }
}
