//! How much a key may ask for: so many requests of a class in any hour.
//!
//! A sliding hour, not a bucket that refills: a bucket with a burst of the limit would admit nearly twice the limit in
//! an hour. Time is cut into slots of 15 seconds; a slot counts until an hour after its end, so that never more than the limit pass in any
//! 3600 seconds, and what was used counts 15 seconds longer than it must at most. Kept per gateway process.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;

use crate::auth::Hash;

/// The time that a limit speaks of, seconds.
pub(crate) const WINDOW_SECONDS: i64 = 3600;
/// Length of a slot, seconds.
const SLOT_SECONDS: i64 = 15;
/// Keys and classes that are remembered.
const WINDOWS_MAX: u64 = 100_000;
/// Requests with a key that is not valid, of one address at once, and then each minute.
const BAD_KEYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Addresses are forgotten every so many requests with bad keys, when their time is over.
const FORGET_EVERY: u64 = 1024;

/// Kinds of operations that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Reading and listing.
    Read,
    /// Creating, changing, activating.
    Write,
    /// Deleting.
    Delete,
    /// Messages and executions.
    Execution,
}

impl Class {
    /// Its name in headers and in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Execution => "execution",
        }
    }

    /// Requests of one key in any hour.
    pub fn limit(self) -> u32 {
        match self {
            Self::Read => 1000,
            Self::Write => 100,
            Self::Delete => 50,
            Self::Execution => 500,
        }
    }
}

/// How a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Of which class.
    pub class: Class,
    /// Requests that are left.
    pub remaining: u32,
    /// After so many seconds there are more; 0 when nothing is used.
    pub reset_seconds: i64,
    /// Whether the request may pass.
    pub admitted: bool,
}

/// Counts the requests of all keys. Clones share the counts.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    windows: Cache<(Hash, Class), Arc<Mutex<Window>>>,
}

impl Limiter {
    /// Has seen nothing yet.
    pub fn new() -> Self {
        let forgotten_after = Duration::from_secs((WINDOW_SECONDS + SLOT_SECONDS).unsigned_abs());
        Self { windows: Cache::builder().max_capacity(WINDOWS_MAX).time_to_idle(forgotten_after).build() }
    }

    /// Counts a request of a key, unless it is over the limit. `now` is in seconds, from any start.
    pub fn admit(&self, key: Hash, class: Class, now: i64) -> Standing {
        let window = self.windows.get_with((key, class), Arc::default);
        window.lock().unwrap_or_else(PoisonError::into_inner).admit(class, now)
    }
}

/// The requests of one key and class, by slot.
#[derive(Debug, Default)]
struct Window {
    slots: VecDeque<(i64, u32)>,
    used: u32,
}

impl Window {
    fn admit(&mut self, class: Class, now: i64) -> Standing {
        let slot = now.div_euclid(SLOT_SECONDS);
        while let Some((oldest, count)) = self.slots.front().copied() {
            if counts_until(oldest) > now {
                break;
            }
            self.used -= count;
            self.slots.pop_front();
        }
        let admitted = self.used < class.limit();
        if admitted {
            self.used += 1;
            match self.slots.back_mut() {
                // A clock that goes back adds to the newest slot.
                Some((newest, count)) if *newest >= slot => *count += 1,
                Some(_) | None => self.slots.push_back((slot, 1)),
            }
        }
        let reset_seconds = self.slots.front().map_or(0, |(oldest, _)| counts_until(*oldest) - now);
        Standing { class, remaining: class.limit() - self.used, reset_seconds, admitted }
    }
}

/// The first second at which a slot does not count any more: an hour after its last request can have come.
fn counts_until(slot: i64) -> i64 {
    (slot + 1) * SLOT_SECONDS + WINDOW_SECONDS
}

/// Bounds how fast one address may try keys. Requests with a valid key never meet it.
pub(crate) struct BadKeys {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    tries: AtomicU64,
}

impl BadKeys {
    /// Has seen nothing yet.
    pub fn new() -> Self {
        let limiter = RateLimiter::keyed(Quota::per_minute(BAD_KEYS));
        Self { limiter, tries: AtomicU64::new(0) }
    }

    /// Counts a request with a bad key. When there are too many: the seconds after which the next may come.
    pub fn tried(&self, address: IpAddr) -> Result<(), u64> {
        let tries = self.tries.fetch_add(1, Ordering::Relaxed);
        if tries % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&address)
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()).as_secs().max(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_may_use_its_limit_at_once_and_then_waits_an_hour() {
        let limiter = Limiter::new();
        let admit = |now| limiter.admit([1; 32], Class::Delete, now);
        for used in 1..=50 {
            let standing = admit(1_000_000);
            assert!(standing.admitted);
            assert_eq!(standing.remaining, 50 - used);
        }
        let refused = admit(1_000_000);
        assert!(!refused.admitted);
        assert_eq!(refused.remaining, 0);
        assert!((3600..=3615).contains(&refused.reset_seconds));
        assert!(!admit(1_003_599).admitted);
        assert!(admit(1_003_615).admitted);
        assert!(limiter.admit([2; 32], Class::Delete, 1_000_000).admitted);
        assert!(limiter.admit([1; 32], Class::Read, 1_000_000).admitted);
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_pass_in_any_hour(steps in proptest::collection::vec(0_i64..200, 1..2000)) {
            let limiter = Limiter::new();
            let mut now = 0;
            let mut passed: Vec<i64> = Vec::new();
            for step in steps {
                now += step;
                let in_the_hour = passed.iter().filter(|at| **at > now - 3600).count();
                let counted_at_most = passed.iter().filter(|at| **at > now - 3600 - 15).count();
                let standing = limiter.admit([0; 32], Class::Delete, now);
                if standing.admitted {
                    prop_assert!(in_the_hour < 50);
                    passed.push(now);
                } else {
                    prop_assert!(counted_at_most >= 50, "refused with {counted_at_most}");
                }
            }
        }
    }

    #[test]
    fn an_address_may_try_some_bad_keys_and_then_has_to_wait() {
        let bad_keys = BadKeys::new();
        let one = IpAddr::from([192, 0, 2, 1]);
        let allowed = (0..100).filter(|_| bad_keys.tried(one).is_ok()).count();
        assert!((60..=61).contains(&allowed));
        assert!(bad_keys.tried(one).is_err_and(|seconds| seconds >= 1));
        assert!(bad_keys.tried(IpAddr::from([192, 0, 2, 2])).is_ok());
    }
}
