//! The gateway over HTTP, with a real database and broker.

mod api_keys;
mod audit_log;
mod durability;
mod edges;
mod hardening;
mod help;
mod idempotency;
mod keys;
mod limits;
mod oauth;
mod openapi;
mod overload;
mod reads;
mod secrets;
mod shared_limits;
mod support;
mod tailing;
mod tails;
