//! What a knowledge base is made of: documents read into passages, found passages ranked, and answers made of them.
//!
//! Pure: no I/O, no clock, no randomness, no async. What is read comes from strangers, so every step is bounded and none
//! panics. What is deliberately absent: where passages are kept and how they are found by their words, which is the
//! catalog's, and the call of a model, which is the runner's.

pub mod extract;
pub mod language;
pub mod limits;
mod line;
pub mod media;
mod outline;
pub mod prompt;
pub mod question;
pub mod rank;
pub mod read;
pub mod reply;
mod sentences;

pub use language::Language;
pub use media::MediaType;
pub use read::{Document, Passage, Unreadable, read};
