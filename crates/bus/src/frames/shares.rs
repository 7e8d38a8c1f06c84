//! Who may have how much in the queue before the frames: dynamic thresholds.
//!
//! A sender may have as many inputs under way as there are free places (Choudhury and Hahne, "Dynamic queue length
//! thresholds for shared-memory packet switches", IEEE/ACM Transactions on Networking 6, 1998, with alpha 1). One that
//! floods gets half of the places and never the rest; of `n` that do, each gets one part of `n + 1`. A place is held until
//! the outcome is known, also when the caller does not wait for it any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The places of a queue. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    places: usize,
    under_way: Arc<Mutex<UnderWay>>,
}

/// How many inputs are under way, and whose. A sender without any is not in it.
#[derive(Debug, Default)]
struct UnderWay {
    all: usize,
    by_sender: HashMap<Bytes, usize>,
}

/// An input does not get a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// All are taken.
    Full,
    /// Its sender has as many as are free.
    OverShare,
}

impl Shares {
    /// So many places, all free.
    pub fn of(places: usize) -> Self {
        Self { places, under_way: Arc::default() }
    }

    /// Takes a place for an input of this sender; one without a sender is the installation's own and gets any that is free.
    pub fn take(&self, sender: Option<Bytes>) -> Result<Place, NoPlace> {
        let mut under_way = self.lock();
        let free = self.places.saturating_sub(under_way.all);
        if free == 0 {
            return Err(NoPlace::Full);
        }
        if let Some(sender) = &sender {
            let own = under_way.by_sender.get(sender).copied().unwrap_or(0);
            if own >= free {
                return Err(NoPlace::OverShare);
            }
            under_way.by_sender.insert(sender.clone(), own + 1);
        }
        under_way.all += 1;
        drop(under_way);
        Ok(Place { shares: self.clone(), sender })
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Place {
    shares: Shares,
    sender: Option<Bytes>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.shares.lock();
        under_way.all = under_way.all.saturating_sub(1);
        let Some(sender) = &self.sender else { return };
        match under_way.by_sender.get_mut(sender) {
            Some(own) if *own > 1 => *own -= 1,
            Some(_) | None => {
                under_way.by_sender.remove(sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(shares: &Shares, sender: &'static str, held: &mut Vec<Place>) -> (usize, NoPlace) {
        let before = held.len();
        loop {
            match shares.take(Some(Bytes::from_static(sender.as_bytes()))) {
                Ok(place) => held.push(place),
                Err(refused) => return (held.len() - before, refused),
            }
        }
    }

    #[test]
    fn each_that_floods_leaves_room_for_the_next() {
        let shares = Shares::of(8192);
        let mut held = Vec::new();
        for (sender, places) in [("a", 4096), ("b", 2048), ("c", 1024), ("d", 512), ("a", 0), ("b", 0)] {
            assert_eq!(take_all(&shares, sender, &mut held), (places, NoPlace::OverShare), "{sender}");
        }
    }

    #[test]
    fn those_that_go_on_flooding_come_to_equal_shares() {
        let shares = Shares::of(900);
        let mut held: HashMap<&'static str, Vec<Place>> = HashMap::new();
        for round in 0..10_000 {
            for sender in ["a", "b"] {
                let places = held.entry(sender).or_default();
                take_all(&shares, sender, places);
                // The queue is worked off in the order of coming, some of each.
                if round % 3 == 0 {
                    places.drain(..places.len().min(1));
                }
            }
        }
        let counts: Vec<usize> = held.values().map(Vec::len).collect();
        assert!(counts.iter().all(|count| (298..=302).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_last_place_is_for_one_that_has_none() {
        let shares = Shares::of(2);
        let first = shares.take(Some(Bytes::from_static(b"a")));
        assert_eq!(shares.take(Some(Bytes::from_static(b"a"))).err(), Some(NoPlace::OverShare));
        let second = shares.take(Some(Bytes::from_static(b"b")));
        assert_eq!(shares.take(None).err(), Some(NoPlace::Full));
        drop((first, second));
        assert!(shares.take(None).is_ok());
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let shares = Shares::of(100);
        let mut held = Vec::new();
        take_all(&shares, "a", &mut held);
        held.extend(shares.take(None));
        assert_eq!(shares.lock().all, 51);
        held.clear();
        assert_eq!(shares.lock().all, 0);
        assert!(shares.lock().by_sender.is_empty());
    }
}
