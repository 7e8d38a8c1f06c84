//! The bus against a real broker.

mod connecting;
mod durability;
mod frames;
mod large_frames;
mod reading;
mod rpc;
mod support;
mod tail;
mod telling;
