//! What tests of the whole product share: a client of the API, workflows to run, and waiting without sleeping.
//!
//! A test fails by panicking, so this crate does, too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod eventually;
mod seed;
pub mod workflows;

pub use api::{Answer, Api};
pub use eventually::{PATIENCE, eventually};
pub use seed::seed;
