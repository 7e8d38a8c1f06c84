//! Forgetting parts of documents that nobody has put together: their sender went away.

use std::time::Duration;

use chrono::TimeDelta;
use platform::clock;
use platform::lifecycle::Shutdown;

use crate::store::Store;

/// Pause between two looks.
const EVERY: Duration = Duration::from_mins(5);
/// Parts are kept for so long.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// Looks and forgets until the stop is asked for.
pub(crate) async fn run(store: Store, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        match store.forget_parts_before(clock::now() - KEPT).await {
            Ok(0) => {}
            Ok(parts) => {
                tracing::info!(parts, "parts of documents that were never put together are forgotten");
            }
            Err(error) => tracing::debug!(%error, "parts of documents are forgotten later"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.requested() => {}
        }
    }
}
