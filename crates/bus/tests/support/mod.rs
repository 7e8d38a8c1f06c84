//! A bus on a nats-server of the test's own.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

use std::time::Duration;

use bus::{Bus, BusConfig, Layout, Topology};
use contracts::v1;
use local_stack::Nats;
use tokio::time::Instant;

pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Broker {
    pub nats: Nats,
    pub bus: Bus,
}

impl Broker {
    pub async fn start() -> Self {
        Self::with(Topology::default(), 1).await
    }

    pub async fn with(topology: Topology, groups: u32) -> Self {
        let nats = Nats::ephemeral().unwrap();
        let bus = Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.unwrap();
        bus.ensure_topology(&topology, Layout { partitions: 64, groups }).await.unwrap();
        Self { nats, bus }
    }

    /// Waits until the connection is there again after the server has come back.
    pub async fn connected_again(&self) {
        eventually("the bus is there again", || async { self.bus.check().await.is_ok() }).await;
    }
}

pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "this did not come true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An input that is told by its customer's name.
pub fn input(customer: impl Into<String>) -> v1::Input {
    v1::Input { customer_id: customer.into(), ..v1::Input::default() }
}
