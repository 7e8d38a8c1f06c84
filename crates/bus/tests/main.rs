//! The bus against a real broker.

mod access;
mod connecting;
mod durability;
mod frames;
mod large_frames;
mod reading;
mod rpc;
mod support;
mod tail;
mod telling;
mod topology;
