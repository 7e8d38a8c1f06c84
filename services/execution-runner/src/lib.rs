//! The execution runner: owns partitions of conversations, runs the turns of their workflows, keeps what happened.
//!
//! The heart is [`partition`], a loop that knows neither SQL nor NATS; `store`, `transport` and `definitions` are
//! its three ports made real, and `app` puts them together. `inbound` and `usecase` answer what other services ask.
//! What is deliberately absent: any other way to change a conversation than an input to its partition.

mod activities;
mod app;
mod asyncapi;
pub mod config;
mod definitions;
mod inbound;
pub mod partition;
pub mod store;
mod stuck;
mod transport;
mod usecase;
mod watchdog;

pub use app::App;
pub use asyncapi::text as asyncapi;
pub use config::Config;
pub use usecase::is_cursor;
