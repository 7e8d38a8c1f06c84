//! Request and reply between services, over the NATS services API: `nats micro ls` shows who answers.
//!
//! A refusal is a `Failure` in the body with the API's usual error headers. Each side bounds its time.

mod client;
mod server;

pub use client::{CallError, Client};
pub use server::{RunningServer, Server};
