//! `/v1/customers`: what is kept of them can be erased.

pub(super) mod erase;
