//! Looks whether the streams and the bucket are there, and makes those again that are missing.
//!
//! A broker whose data are gone comes back empty, and an operator may delete a stream: without them nothing is taken in or told.
//! What was in them is told again by those who have it: the partition loop, the catalog's repair, the aggregator.

use std::time::Duration;

use bus::{Bus, Layout, Topology};
use platform::lifecycle::Shutdown;
use tokio::time::Instant;

/// Pause between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// Pause between two questions whether the connection was lost meanwhile; then it looks at once.
const NOTICE_EVERY: Duration = Duration::from_millis(250);

/// Everything that must be there.
pub(crate) struct Watchdog {
    bus: Bus,
    topology: Topology,
    layout: Layout,
}

impl Watchdog {
    /// Watches over these.
    pub fn new(bus: Bus, topology: Topology, layout: Layout) -> Self {
        Self { bus, topology, layout }
    }

    /// Looks until the stop is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        let mut connection_no = self.bus.connection_no();
        let mut look_at = Instant::now() + EVERY;
        while !shutdown.is_requested() {
            let now_no = self.bus.connection_no();
            if now_no != connection_no || Instant::now() >= look_at {
                connection_no = now_no;
                look_at = Instant::now() + EVERY;
                self.look().await;
            }
            tokio::select! {
                () = tokio::time::sleep(NOTICE_EVERY) => {}
                () = shutdown.requested() => {}
            }
        }
    }

    async fn look(&self) {
        match self.bus.mend_topology(&self.topology, self.layout).await {
            Ok(mended) => {
                for stream in mended.made {
                    tracing::warn!(stream, "a stream was missing and was made again; what was in it is gone");
                    metrics::counter!("turnloom_watchdog_mended_total", "what" => stream).increment(1);
                }
                for (stream, error) in mended.failed {
                    tracing::warn!(stream, %error, "a stream cannot be looked at or made again");
                }
            }
            Err(error) => tracing::debug!(%error, "the streams cannot be looked at"),
        }
    }
}
