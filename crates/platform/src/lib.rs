//! What every service stands on: configuration parts, telemetry, health, the admin port, lifecycle and the clock.
//!
//! Knows no service, no table and no subject. The clock and the ids of this crate are the only ones: clippy
//! refuses others.

pub mod admin;
pub mod clock;
pub mod descriptors;
pub mod durability;
pub mod health;
pub mod keep;
pub mod lifecycle;
pub mod metrics;
pub mod startup;
pub mod telemetry;
