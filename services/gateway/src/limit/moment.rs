//! A gateway's own time: how long ago something was, at least.

use std::sync::LazyLock;
use std::time::Instant;

use platform::clock;

/// A reading of two clocks: one that is never set but stands still while the machine sleeps, and one that goes on then
/// but may be set. What one of them says is over is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds from any start.
    pub steady_ms: i64,
    /// Unix milliseconds.
    pub wall_ms: i64,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let steady_ms = i64::try_from(START.elapsed().as_millis()).unwrap_or(i64::MAX);
        Self { steady_ms, wall_ms: clock::now_ms() }
    }

    /// Milliseconds since then, by the clock that says more.
    pub fn since_ms(self, then: Self) -> i64 {
        (self.steady_ms - then.steady_ms).max(self.wall_ms - then.wall_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_that_says_more_counts() {
        let then = Moment { steady_ms: 100, wall_ms: 5_000 };
        for (steady_ms, wall_ms, since_ms) in [(150, 5_050, 50), (100, 9_000, 4_000), (160, 1_000, 60)] {
            assert_eq!(Moment { steady_ms, wall_ms }.since_ms(then), since_ms);
        }
    }
}
