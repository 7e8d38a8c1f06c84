//! Events of the bus.

pub(crate) mod events;
pub(crate) mod reading;
