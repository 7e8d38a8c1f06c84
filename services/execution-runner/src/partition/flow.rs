//! A compiled revision.

use flow_engine::Graph;

/// A revision that turns can run on.
#[derive(Debug)]
pub struct Flow {
    /// Its nodes.
    pub graph: Graph,
    /// How long a conversation may wait in it.
    pub wait_timeout_ms: i64,
}
