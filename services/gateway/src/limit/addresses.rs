//! How fast one address may send, before it is known who that is. Each gateway for itself; a second is no hour, so here a
//! bucket that refills does.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Requests with a key that is not valid, of one address at once, and then each minute.
const BAD_KEYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Addresses are forgotten every so many requests, when their time is over.
const FORGET_EVERY: u64 = 1024;

/// Counts what each address sends, or the network that it is of.
pub(crate) struct Addresses {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    counted: AtomicU64,
}

impl Addresses {
    /// For requests with bad keys: how fast one address may try keys. Requests with a valid key never meet it.
    pub fn trying_keys() -> Self {
        Self::new(Quota::per_minute(BAD_KEYS))
    }

    /// For all requests: so many at once, and then each second.
    pub fn bursting(per_second: NonZeroU32) -> Self {
        Self::new(Quota::per_second(per_second))
    }

    fn new(quota: Quota) -> Self {
        Self { limiter: RateLimiter::keyed(quota), counted: AtomicU64::new(0) }
    }

    /// Counts a request. When there are too many: the seconds after which the next may come.
    pub fn count(&self, address: IpAddr) -> Result<(), u64> {
        let counted = self.counted.fetch_add(1, Ordering::Relaxed);
        if counted % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&party(address))
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()).as_secs().max(1))
    }
}

/// Whom an address belongs to: a customer of an IPv6 provider has a whole /64.
pub(crate) fn party(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn an_address_may_try_some_bad_keys_and_then_has_to_wait() {
        let bad_keys = Addresses::trying_keys();
        let allowed = (0..100).filter(|_| bad_keys.count(ONE).is_ok()).count();
        assert!((60..=61).contains(&allowed));
        assert!(bad_keys.count(ONE).is_err_and(|seconds| seconds >= 1));
        assert!(bad_keys.count(OTHER).is_ok());
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let bursts = Addresses::bursting(NonZeroU32::MIN);
        let address = |text: &str| text.parse().unwrap();
        assert_eq!(bursts.count(address("2001:db8::1")), Ok(()));
        assert!((2..100).any(|n| bursts.count(address(&format!("2001:db8::{n:x}"))).is_err()));
        assert_eq!(bursts.count(address("2001:db8:0:1::1")), Ok(()));
    }

    #[test]
    fn an_address_that_sends_too_much_at_once_has_to_wait_a_second() {
        let bursts = Addresses::bursting(NonZeroU32::MIN);
        assert_eq!(bursts.count(ONE), Ok(()));
        assert_eq!((0..100).find_map(|_| bursts.count(ONE).err()), Some(1));
        assert_eq!(bursts.count(OTHER), Ok(()));
    }

    #[test]
    fn addresses_are_forgotten_when_their_time_is_over() {
        let bursts = Addresses::bursting(NonZeroU32::MAX);
        for n in 0..u32::try_from(3 * FORGET_EVERY).unwrap() {
            bursts.count(IpAddr::from(n.to_be_bytes())).unwrap();
        }
        assert!(bursts.limiter.len() < 3 * usize::try_from(FORGET_EVERY).unwrap());
    }
}
