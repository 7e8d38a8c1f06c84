//! The command line, `turnloom`: everything in one process on a local stack, and tools for people.
//!
//! The only crate that knows all services. It adds nothing to them: what it starts are the same libraries that the
//! services' own binaries start.

pub mod accounts;
pub mod api;
pub mod bench;
pub mod chat;
pub mod cli;
pub mod connection;
pub mod conversations;
pub mod dead_letters;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod executions;
pub mod keys;
pub mod metrics;
pub mod migrate;
pub mod output;
mod printing;
pub mod republish;
pub mod retention;
pub mod run_file;
pub mod runners;
pub mod services;
pub mod subscribers;
pub mod up;
pub mod workflows;
