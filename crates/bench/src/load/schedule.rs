//! When requests are to be sent.
//!
//! Open: at times that nobody's slowness moves. A request that could not be sent at its time waits, and that waiting is
//! part of its latency (no coordinated omission).

use std::time::Duration;

/// When requests are to be sent, counted from the begin of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// Each connection sends its next request when the last one is answered.
    Closed,
    /// So many a second, evenly.
    Open {
        /// Requests a second; above 0.
        per_second: u32,
    },
}

impl Schedule {
    /// When the n-th request, from 0, is to be sent; none when only the connection decides.
    #[must_use]
    pub fn intended(self, n: u64) -> Option<Duration> {
        let Self::Open { per_second } = self else { return None };
        let per_second = u64::from(per_second.max(1));
        let nanos = (n % per_second) * 1_000_000_000 / per_second;
        Some(Duration::from_secs(n / per_second) + Duration::from_nanos(nanos))
    }

    /// How many are to be sent until this time, its own moment included.
    #[must_use]
    pub fn due(self, elapsed: Duration) -> u64 {
        let Self::Open { per_second } = self else { return 0 };
        let nanos = elapsed.as_nanos() * u128::from(per_second.max(1)) / 1_000_000_000;
        u64::try_from(nanos).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_load_is_even() {
        let open = Schedule::Open { per_second: 1000 };
        assert_eq!(open.intended(0), Some(Duration::ZERO));
        assert_eq!(open.intended(1), Some(Duration::from_millis(1)));
        assert_eq!(open.intended(2500), Some(Duration::from_millis(2500)));
        // Without drift, whatever does not divide evenly.
        let odd = Schedule::Open { per_second: 3 };
        assert_eq!(odd.intended(3_000_000_000), Some(Duration::from_secs(1_000_000_000)));
        assert_eq!(odd.intended(1), Some(Duration::from_nanos(333_333_333)));
    }

    #[test]
    fn what_is_due_is_what_was_intended_until_then() {
        let open = Schedule::Open { per_second: 250 };
        for n in [0, 1, 7, 250, 251, 10_000] {
            let at = open.intended(n).unwrap();
            assert_eq!(open.due(at), n + 1, "{n}");
            assert_eq!(open.due(at + Duration::from_micros(3999)), n + 1, "{n}");
        }
    }

    #[test]
    fn a_closed_load_has_no_times() {
        assert_eq!(Schedule::Closed.intended(5), None);
        assert_eq!(Schedule::Closed.due(Duration::from_secs(5)), 0);
    }
}
