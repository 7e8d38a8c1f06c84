//! What stands between TCP and the API: who may connect, and what counts as a request.
//!
//! The framework's parser is made to understand much. Here stands what it must not have to: heads and chunks are read once before it by
//! narrower rules, so that a request ends for us where it ends for any proxy before us (no request smuggling), and each
//! head and body must be there in time. A head that is refused is not handed on; in its place goes a request that
//! [`crate::http`] answers with the reason, after what was asked before it on the connection, and the connection ends.

mod chunks;
mod door;
mod guarded;
mod head;
mod listener;
mod patience;
mod refusal;
mod serve;

pub(crate) use door::Door;
pub(crate) use guarded::Rules;
pub(crate) use listener::listen;
pub(crate) use refusal::{Mishap, Refusal, STAND_IN};
pub(crate) use serve::{Serving, serve};
