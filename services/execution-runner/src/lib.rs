//! check
pub mod config;
mod definitions;
pub mod partition;
mod transport;
