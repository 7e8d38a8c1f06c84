//! The metrics aggregator: folds the events of all accounts into numbers by quarter of an hour and by UTC day.
//!
//! Where it stands in the stream, how far each partition is counted, and the numbers themselves change in one
//! transaction, so an event counts once, however often it is published or read. An event that the stream has lost is
//! asked for again. What is deliberately absent: reading other services' tables.

mod app;
mod config;
pub mod events;
mod inbound;
mod runner;
pub mod store;
mod usecase;

pub use app::App;
pub use config::Config;
