//! `/v1/messages`: the one door for customers' messages.

pub(super) mod fields;
pub(super) mod get;
pub(super) mod send;
