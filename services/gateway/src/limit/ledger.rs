//! What counts against the limit of one key and class: the side that all gateways share.
//!
//! `leased, open –told what was used→ closed –its time is over→ forgotten`; one that is never told of goes from open to
//! forgotten. Times are Unix milliseconds of the database's clock, and whoever applies an [`Ask`] holds the ledger's row.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::WINDOW_MS;

/// Closed entries that are kept apart. When there are more, those of the same slot count as one, until the slot's end.
const CLOSED_MAX: usize = 200;
/// Length of a slot, milliseconds: there are 127 in the time that anything counts.
const SLOT_MS: i64 = 30_000;

/// All that counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ledger {
    open: Vec<Slice>,
    /// By time, the one that counts longest last.
    closed: Vec<Used>,
}

/// What a gateway may still use. It counts as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Slice {
    id: Uuid,
    size: u32,
    counts_until_ms: i64,
}

/// What was used, and is used no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Used {
    count: u32,
    counts_until_ms: i64,
}

/// What a gateway says and wants, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Requests in any hour.
    pub limit: u32,
    /// Slices out of which nothing passes any more.
    pub closed: Vec<Closed>,
    /// Slices to be leased, the first one first.
    pub wanted: Vec<Wanted>,
}

/// A slice that is used no more. Saying so twice changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    pub id: Uuid,
    /// Requests that passed.
    pub used: u32,
}

/// A slice to be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub id: Uuid,
    /// Requests; fewer are granted when there are no more.
    pub size: u32,
    /// How long after the lease requests pass at most.
    pub usable_ms: i64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    /// The size of each slice that was wanted; 0 is none.
    pub sizes: Vec<u32>,
    /// What nobody has leased.
    pub free: u32,
    /// After so long something counts no more; none when nothing counts.
    pub frees_in_ms: Option<i64>,
}

impl Ledger {
    /// Closes and leases. `now_ms` was read while the row was held.
    pub fn apply(&mut self, ask: &Ask, now_ms: i64) -> Granted {
        self.open.retain(|slice| slice.counts_until_ms > now_ms);
        self.closed.retain(|used| used.counts_until_ms > now_ms);
        for closed in &ask.closed {
            self.close(*closed, now_ms);
        }
        let sizes = ask.wanted.iter().map(|wanted| self.lease(*wanted, ask.limit, now_ms)).collect();
        let open = self.open.iter().map(|slice| slice.counts_until_ms);
        let ends = open.chain(self.closed.iter().map(|used| used.counts_until_ms));
        Granted { sizes, free: self.free(ask.limit), frees_in_ms: ends.min().map(|end| end - now_ms) }
    }

    /// What was used has been used before now, so it counts for an hour from now at most.
    fn close(&mut self, closed: Closed, now_ms: i64) {
        let Some(place) = self.open.iter().position(|slice| slice.id == closed.id) else { return };
        let slice = self.open.swap_remove(place);
        let count = closed.used.min(slice.size);
        if count == 0 {
            return;
        }
        let counts_until_ms = slice.counts_until_ms.min(now_ms + WINDOW_MS);
        let after = self.closed.partition_point(|used| used.counts_until_ms <= counts_until_ms);
        self.closed.insert(after, Used { count, counts_until_ms });
        if self.closed.len() > CLOSED_MAX {
            self.round();
        }
    }

    /// What was rounded already stays as it is, so nothing counts more than a slot longer than it must.
    fn round(&mut self) {
        let mut rounded: Vec<Used> = Vec::new();
        for used in &self.closed {
            let slot = used.counts_until_ms.div_euclid(SLOT_MS);
            let whole = used.counts_until_ms.rem_euclid(SLOT_MS) == 0;
            let counts_until_ms = if whole { used.counts_until_ms } else { (slot + 1) * SLOT_MS };
            match rounded.last_mut() {
                Some(last) if last.counts_until_ms == counts_until_ms => {
                    last.count = last.count.saturating_add(used.count);
                }
                Some(_) | None => rounded.push(Used { count: used.count, counts_until_ms }),
            }
        }
        self.closed = rounded;
    }

    fn lease(&mut self, wanted: Wanted, limit: u32, now_ms: i64) -> u32 {
        let size = wanted.size.min(self.free(limit));
        if size > 0 {
            let counts_until_ms = now_ms + wanted.usable_ms + WINDOW_MS;
            self.open.push(Slice { id: wanted.id, size, counts_until_ms });
        }
        size
    }

    fn free(&self, limit: u32) -> u32 {
        let open = self.open.iter().map(|slice| slice.size);
        let counted = open.chain(self.closed.iter().map(|used| used.count)).fold(0, u32::saturating_add);
        limit.saturating_sub(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn want(id: u128, size: u32) -> Wanted {
        Wanted { id: Uuid::from_u128(id), size, usable_ms: MINUTE_MS }
    }

    fn ask(closed: &[(u128, u32)], wanted: &[Wanted]) -> Ask {
        let closed = closed.iter().map(|(id, used)| Closed { id: Uuid::from_u128(*id), used: *used });
        Ask { limit: 100, closed: closed.collect(), wanted: wanted.to_vec() }
    }

    #[test]
    fn a_slice_counts_for_its_minute_and_an_hour() {
        let mut ledger = Ledger::default();
        let granted = ledger.apply(&ask(&[], &[want(1, 70)]), 0);
        assert_eq!(granted, Granted { sizes: vec![70], free: 30, frees_in_ms: Some(MINUTE_MS + WINDOW_MS) });
        let end = MINUTE_MS + WINDOW_MS;
        assert_eq!(ledger.apply(&ask(&[], &[want(2, 40)]), end - 1).sizes, [30]);
        let granted = ledger.apply(&ask(&[], &[want(3, 100)]), end);
        assert_eq!((granted.sizes, granted.free), (vec![70], 0));
    }

    #[test]
    fn what_was_not_used_is_free_at_once_and_what_was_counts_for_an_hour() {
        let mut ledger = Ledger::default();
        ledger.apply(&ask(&[], &[want(1, 100)]), 0);
        let granted = ledger.apply(&ask(&[(1, 3)], &[]), 1_000);
        assert_eq!((granted.free, granted.frees_in_ms), (97, Some(WINDOW_MS)));
        // Said again, it changes nothing.
        assert_eq!(ledger.apply(&ask(&[(1, 3)], &[]), 2_000).free, 97);
        assert_eq!(ledger.apply(&ask(&[], &[]), 1_000 + WINDOW_MS).free, 100);
        assert_eq!(ledger, Ledger::default());
    }

    #[test]
    fn one_that_is_closed_late_counts_no_longer_than_if_nobody_had_said_so() {
        let mut ledger = Ledger::default();
        ledger.apply(&ask(&[], &[want(1, 10)]), 0);
        let granted = ledger.apply(&ask(&[(1, 10)], &[]), 10 * MINUTE_MS);
        assert_eq!(granted.frees_in_ms, Some(WINDOW_MS - 9 * MINUTE_MS));
    }

    #[test]
    fn a_limit_that_went_down_grants_nothing_until_enough_is_over() {
        let mut ledger = Ledger::default();
        ledger.apply(&ask(&[], &[want(1, 60)]), 0);
        let lower = Ask { limit: 50, ..ask(&[], &[want(2, 1)]) };
        let granted = ledger.apply(&lower, 1);
        assert_eq!((granted.sizes, granted.free), (vec![0], 0));
    }

    #[test]
    fn it_stays_small_and_counts_everything() {
        let mut ledger = Ledger::default();
        let mut used = 0;
        for n in 1..1_000_u32 {
            let now_ms = i64::from(n) * 3_000;
            let id = u128::from(n);
            let more = Ask { limit: 10_000, ..ask(&[(id - 1, n % 3)], &[want(id, 3)]) };
            let granted = ledger.apply(&more, now_ms);
            used += if n > 1 { n % 3 } else { 0 };
            assert_eq!(granted.free, 10_000 - used - 3);
        }
        assert!(ledger.closed.len() <= CLOSED_MAX);
        assert!(ledger.closed.is_sorted_by_key(|used| used.counts_until_ms));
        let last = ledger.closed.last().map(|used| used.counts_until_ms);
        assert!(last.is_some_and(|last| last <= 999 * 3_000 + WINDOW_MS + SLOT_MS), "{last:?}");
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let mut ledger = Ledger::default();
        ledger.apply(&ask(&[], &[want(1, 10), want(2, 20)]), 5);
        ledger.apply(&ask(&[(1, 3)], &[]), 6);
        let written = serde_json::to_value(&ledger).unwrap();
        assert_eq!(serde_json::from_value::<Ledger>(written).unwrap(), ledger);
        assert_eq!(serde_json::from_str::<Ledger>("{}").unwrap(), Ledger::default());
    }
}
