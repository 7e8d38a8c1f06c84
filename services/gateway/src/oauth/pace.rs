//! How fast one client may ask for tokens, so that none fills the tables. Each gateway for itself.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use flow_model::OAuthClientId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Requests for tokens of one client each second.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// The same at once.
const AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
/// Clients are forgotten every so many requests, when their time is over.
const FORGET_EVERY: u64 = 1024;

/// Counts what each client asks for.
pub(crate) struct Pace {
    limiter: DefaultKeyedRateLimiter<OAuthClientId>,
    counted: AtomicU64,
}

impl Pace {
    /// Has counted nothing yet.
    pub fn new() -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(AT_ONCE);
        Self { limiter: RateLimiter::keyed(quota), counted: AtomicU64::new(0) }
    }

    /// Counts a request. When there are too many: the seconds after which the next may come.
    pub fn count(&self, client: OAuthClientId) -> Result<(), u64> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&client)
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()).as_secs().max(1))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_client_that_asks_for_too_many_tokens_has_to_wait_and_another_one_has_not() {
        let pace = Pace::new();
        let client = |n| OAuthClientId::new(Uuid::from_u128(n));
        let allowed = (0..100_000).take_while(|_| pace.count(client(1)).is_ok()).count();
        assert!((100..100_000).contains(&allowed));
        assert_eq!(pace.count(client(1)), Err(1));
        assert_eq!(pace.count(client(2)), Ok(()));
    }
}
