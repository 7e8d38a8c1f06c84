//! The heart of the runner: partition ownership and the turns of their conversations.
//!
//! Everything in here is deterministic given what the three ports of [`port`] and the clock answer; there is no
//! SQL and no NATS. `app.rs` puts the real ones in.

pub mod activity;
mod answers;
pub mod arrival;
pub mod batch;
pub mod catalog;
mod drill;
pub mod flow;
pub mod frame;
mod gauges;
pub mod port;
pub mod pulse;
pub(crate) mod tell;
pub mod turn;
pub mod worker;
