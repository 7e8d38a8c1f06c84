//! What the aggregator does.

pub(crate) mod fold;
