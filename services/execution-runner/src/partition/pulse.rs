//! Whether the loop is in the middle of a batch, for a watch on another thread: a turn that never ends keeps the
//! loop from everything else, and only the end of the process helps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The loop is not working on a batch.
const IDLE: i64 = 0;

/// Since when the loop works on the batch that it has in its hands.
#[derive(Debug, Default)]
pub struct Pulse(AtomicI64);

impl Pulse {
    /// A batch is begun now, Unix milliseconds; it ends when what this gives is dropped.
    pub fn begin(self: &Arc<Self>, now_ms: i64) -> Beat {
        self.0.store(now_ms, Ordering::Relaxed);
        Beat(Arc::clone(self))
    }

    /// How long the batch under way has taken, in milliseconds; 0 when there is none.
    pub fn busy_ms(&self, now_ms: i64) -> i64 {
        match self.0.load(Ordering::Relaxed) {
            IDLE => 0,
            since => (now_ms - since).max(0),
        }
    }
}

/// A batch under way.
#[derive(Debug)]
pub struct Beat(Arc<Pulse>);

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.0.store(IDLE, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_while_it_is_under_way() {
        let pulse = Arc::new(Pulse::default());
        assert_eq!(pulse.busy_ms(5_000), 0);
        let beat = pulse.begin(1_000);
        assert_eq!(pulse.busy_ms(5_000), 4_000);
        drop(beat);
        assert_eq!(pulse.busy_ms(5_000), 0);
    }
}
