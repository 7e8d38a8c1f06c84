//! Ends the process when a turn never ends: nothing else can, and the partitions then go to other runners, which take
//! such an input five times and give it up.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use platform::clock;
use platform::lifecycle::Shutdown;

use crate::partition::pulse::Pulse;

/// How often the loops are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A batch may take so many leases: its partitions are others' long before.
const LEASES_MAX: u32 = 2;
/// A look that comes so much after the last one tells of this process and not of a turn: it was stopped, or starved, for
/// that long. Milliseconds.
const LATE_MS: i64 = 2_000;

/// Watches the loops from a thread of its own, which no turn can keep from running.
pub(crate) fn watch(pulses: Vec<Arc<Pulse>>, lease: Duration, shutdown: &Shutdown) -> anyhow::Result<()> {
    let shutdown = shutdown.clone();
    let longest_ms = i64::try_from((lease * LEASES_MAX).as_millis()).unwrap_or(i64::MAX);
    let look = move || {
        let (mut looked_ms, mut patient_until_ms) = (clock::now_ms(), 0);
        while !shutdown.is_requested() {
            thread::sleep(LOOK_EVERY);
            let now_ms = clock::now_ms();
            if now_ms - looked_ms > LATE_MS {
                // The turn had no time either; it gets as much as any other.
                patient_until_ms = now_ms + longest_ms;
            }
            looked_ms = now_ms;
            let busy_ms = pulses.iter().map(|pulse| pulse.busy_ms(now_ms)).max().unwrap_or(0);
            if busy_ms > longest_ms && now_ms > patient_until_ms {
                tracing::error!(
                    busy_ms,
                    "a turn does not end: this process ends, so that others take its partitions over"
                );
                std::process::abort();
            }
        }
    };
    thread::Builder::new().name("stuck".to_owned()).spawn(look).context("no thread can be started")?;
    Ok(())
}
