//! OAuth 2.0 over HTTP, on a real database: who gets which tokens, what they let their holders do, and what ends them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod granting;
mod support;
