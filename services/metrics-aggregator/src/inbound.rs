//! Events of the bus, and requests of other services.

pub(crate) mod reading;
pub(crate) mod requests;
