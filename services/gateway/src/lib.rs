//! The gateway: the public `/v1` API, authentication, and the one door for customers' messages.
//!
//! Stateless but for accounts and keys: any number may run side by side. An answer of 2xx to a message means that the
//! stream keeps it. What workflows and executions are is asked of the services that own them; nothing is cached
//! here but keys, for a second.

mod app;
pub mod audit;
mod auth;
mod client;
mod config;
mod front;
mod http;
mod idempotency;
mod intake;
pub mod key;
pub mod keys;
mod limit;
mod oauth;
pub mod span;
mod state;
pub mod store;
mod tail;
mod uses;

pub use app::App;
pub use config::{Config, Switch};
pub use http::decode;
pub use http::openapi::text as openapi;
