//! Whether the loop is in the middle of a batch, for a watch on another thread: a turn that never ends keeps the
//! loop from everything else, and only the end of the process helps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The batch that the loop has in its hands: an odd number while there is one, an even one in between.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// A batch is begun; it ends when what this gives is dropped.
    pub fn begin(self: &Arc<Self>) -> Beat {
        self.0.fetch_add(1, Ordering::Relaxed);
        Beat(Arc::clone(self))
    }

    /// Names the batch under way, another name for each.
    pub fn batch(&self) -> Option<u64> {
        let number = self.0.load(Ordering::Relaxed);
        (number % 2 == 1).then_some(number)
    }
}

/// A batch under way.
#[derive(Debug)]
pub struct Beat(Arc<Pulse>);

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_a_name_of_its_own_while_it_is_under_way() {
        let pulse = Arc::new(Pulse::default());
        assert_eq!(pulse.batch(), None);
        let first = pulse.begin();
        let name = pulse.batch();
        assert!(name.is_some());
        drop(first);
        assert_eq!(pulse.batch(), None);
        let _second = pulse.begin();
        assert!(pulse.batch().is_some_and(|second| Some(second) != name));
    }
}
