//! Who may connect: so many at once in all, and so many of one address, so that nobody takes all places.
//!
//! Whoever comes when it is full is sent away at once; those inside are served on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::limit::addresses::party;

/// Counts connections, over all threads.
#[derive(Debug)]
pub(crate) struct Door {
    all_max: usize,
    address_max: Option<NonZeroU32>,
    proxies: Vec<IpNet>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, u32>,
}

/// No place is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// For anybody.
    All,
    /// For this address.
    Address,
}

impl Full {
    /// As metrics call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Address => "address",
        }
    }
}

/// A connection's place, as long as it lives.
#[derive(Debug)]
pub(super) struct Place {
    door: Arc<Door>,
    counted: Option<IpAddr>,
}

impl Door {
    /// Lets in so many in all, and of one address. Behind `proxies` are many, so they are not counted by their address.
    pub fn new(all_max: usize, address_max: Option<NonZeroU32>, proxies: Vec<IpNet>) -> Self {
        Self { all_max, address_max, proxies, inside: Mutex::default() }
    }

    /// Lets one in.
    pub(super) fn enter(self: &Arc<Self>, peer: Option<IpAddr>) -> Result<Place, Full> {
        let counted = peer.map(|peer| peer.to_canonical());
        let counted = counted.filter(|peer| !self.proxies.iter().any(|network| network.contains(peer)));
        let counted = counted.map(party).filter(|_| self.address_max.is_some());
        let mut inside = self.inside();
        if inside.all >= self.all_max {
            return Err(Full::All);
        }
        if let (Some(party), Some(max)) = (counted, self.address_max) {
            let of_party = inside.by_address.entry(party).or_default();
            if *of_party >= max.get() {
                return Err(Full::Address);
            }
            *of_party += 1;
        }
        inside.all += 1;
        drop(inside);
        metrics::gauge!("turnloom_http_connections").increment(1);
        Ok(Place { door: Arc::clone(self), counted })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        inside.all = inside.all.saturating_sub(1);
        if let Some(party) = self.counted
            && let Some(left) = inside.by_address.get_mut(&party)
        {
            *left = left.saturating_sub(1);
            if *left == 0 {
                inside.by_address.remove(&party);
            }
        }
        drop(inside);
        metrics::gauge!("turnloom_http_connections").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(all: usize, address: u32) -> Arc<Door> {
        Arc::new(Door::new(all, NonZeroU32::new(address), vec!["10.0.0.0/8".parse().unwrap()]))
    }

    fn enter(door: &Arc<Door>, address: &str) -> Result<Place, Full> {
        door.enter(Some(address.parse().unwrap()))
    }

    #[test]
    fn so_many_of_one_address_are_inside_at_once() {
        let door = door(10, 2);
        let first = enter(&door, "192.0.2.1").unwrap();
        let second = enter(&door, "::ffff:192.0.2.1").unwrap();
        assert_eq!(enter(&door, "192.0.2.1").unwrap_err(), Full::Address);
        assert!(enter(&door, "192.0.2.2").is_ok());
        drop(first);
        let third = enter(&door, "192.0.2.1").unwrap();
        drop((second, third));
        assert!(door.inside().by_address.is_empty());
        assert_eq!(door.inside().all, 0);
    }

    #[test]
    fn so_many_are_inside_at_once_wherever_they_come_from() {
        let door = door(2, 2);
        let inside = [enter(&door, "192.0.2.1").unwrap(), door.enter(None).unwrap()];
        assert_eq!(enter(&door, "192.0.2.2").unwrap_err(), Full::All);
        drop(inside);
        assert!(enter(&door, "192.0.2.2").is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_party() {
        let door = door(10, 1);
        let _inside = enter(&door, "2001:db8::1").unwrap();
        assert_eq!(enter(&door, "2001:db8::ffff:1").unwrap_err(), Full::Address);
        assert!(enter(&door, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn a_trusted_proxy_and_a_door_without_limit_count_nobody() {
        let (proxied, open) = (door(10, 1), door(10, 0));
        let inside: Vec<_> = (0..5).map(|_| enter(&proxied, "10.0.0.1")).collect();
        assert!(inside.iter().all(Result::is_ok));
        let inside: Vec<_> = (0..5).map(|_| enter(&open, "192.0.2.1")).collect();
        assert!(inside.iter().all(Result::is_ok));
    }
}
