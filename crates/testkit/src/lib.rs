//! What tests of the whole product share: a client of the API, workflows to run, stand-ins for systems that are not ours,
//! and waiting without sleeping.
//!
//! A test fails by panicking, so this crate does, too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod addresses;
mod api;
mod eventually;
mod fake_model;
mod fake_server;
mod fake_target;
mod seed;
pub mod workflows;

pub use addresses::{Canary, NOT_PUBLIC};
pub use api::{Answer, Api};
pub use eventually::{PATIENCE, eventually};
pub use fake_model::{FakeModel, Says};
pub use fake_server::{FakeServer, Reply, Request};
pub use fake_target::FakeTarget;
pub use seed::seed;
