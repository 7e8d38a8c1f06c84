//! Ends the process when a turn never ends: nothing else can, and the partitions then go to other runners, which take
//! such an input five times and give it up.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use platform::lifecycle::Shutdown;

use crate::partition::pulse::Pulse;

/// How often the loops are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A batch may take so many leases: its partitions are others' long before.
const LEASES_MAX: u32 = 2;

/// Watches the loops from a thread of its own, which no turn can keep from running. Only its own looks count: a process that
/// was stopped for a while has not worked on anything meanwhile.
pub(crate) fn watch(pulses: Vec<Arc<Pulse>>, lease: Duration, shutdown: &Shutdown) -> anyhow::Result<()> {
    let shutdown = shutdown.clone();
    let looks_max = (lease * LEASES_MAX).as_millis() / LOOK_EVERY.as_millis();
    let look = move || {
        let mut seen: Vec<(Option<u64>, u128)> = vec![(None, 0); pulses.len()];
        while !shutdown.is_requested() {
            thread::sleep(LOOK_EVERY);
            for (pulse, (batch, looks)) in pulses.iter().zip(&mut seen) {
                let now = pulse.batch();
                *looks = if now.is_some() && now == *batch { *looks + 1 } else { 0 };
                *batch = now;
                if *looks > looks_max {
                    tracing::error!(
                        "a turn does not end: this process ends, so that others take its partitions over"
                    );
                    std::process::abort();
                }
            }
        }
    };
    thread::Builder::new().name("stuck".to_owned()).spawn(look).context("no thread can be started")?;
    Ok(())
}
