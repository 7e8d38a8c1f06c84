//! The workflow catalog: what users edit, and what is active.
//!
//! Owns workflows and their immutable revisions. A change that runners must see is committed here first, then told to
//! every group of partitions as a marker in its stream of inputs; only then is the caller answered. What was
//! committed but not told is told by the repair, so a crash after any line costs time and nothing else.
//!
//! Owns knowledge bases too: documents come in, passages are kept, questions are searched for.

mod app;
mod config;
mod embedding;
mod inbound;
pub mod store;
mod usecase;

pub use app::App;
pub use config::Config;
pub use embedding::EmbeddingConfig;
pub use usecase::is_cursor;
