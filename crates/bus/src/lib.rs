//! NATS for the services: frames, publishing, request and reply, definitions, events.
//!
//! The only crate that names async-nats. Every call has an end, and fails at once while the connection is down: what
//! a caller was told is unavailable is not sent later. What is deliberately absent: retries (callers know
//! whether a repetition is harmless) and consumers with acknowledgements for inputs (see ARCHITECTURE).

pub mod activities;
pub mod answers;
mod connection;
pub mod definitions;
pub mod durability;
pub mod events;
pub mod frames;
pub mod publish;
pub mod reader;
pub mod rpc;
pub mod tail;
pub mod teller;
pub mod topology;

pub use connection::{Bus, BusConfig, Unavailable};
pub use topology::{Layout, Mended, Topology};
