//! Equal shares for accounts while there is more than can be handled.
//!
//! Of the last ten seconds it is known how many inputs of each account were admitted. While others wait too long, an account
//! that had more than its part of them (all inputs, divided by the accounts that sent any) has to come again; as the window
//! moves on, those that send as much as they can come to equal parts. An account alone is never refused. Each gateway
//! counts for itself.

use std::collections::{HashMap, VecDeque};

use flow_model::AccountId;

/// Length of a slot, milliseconds.
const SLOT_MS: i64 = 1000;
/// Slots that count.
const SLOTS: i64 = 10;

/// What was admitted of late, by account. It knows the accounts of these seconds only.
#[derive(Debug, Default)]
pub(super) struct Window {
    slots: VecDeque<(i64, HashMap<AccountId, u64>)>,
    by_account: HashMap<AccountId, u64>,
    all: u64,
}

impl Window {
    /// Counts an input of an account, unless there is not enough for all (`contended`) and the account had more than its
    /// part. `now_ms` is from any start; a clock that goes back adds to the newest slot.
    pub fn admit(&mut self, account: AccountId, contended: bool, now_ms: i64) -> bool {
        let slot = now_ms.div_euclid(SLOT_MS);
        self.forget_through(slot - SLOTS);
        let own = self.by_account.get(&account).copied().unwrap_or(0);
        let accounts = self.by_account.len() as u64 + u64::from(own == 0);
        if contended && own * accounts > self.all {
            return false;
        }
        *self.by_account.entry(account).or_default() += 1;
        self.all += 1;
        match self.slots.back_mut() {
            Some((newest, admitted)) if *newest >= slot => *admitted.entry(account).or_default() += 1,
            Some(_) | None => self.slots.push_back((slot, HashMap::from([(account, 1)]))),
        }
        true
    }

    fn forget_through(&mut self, last: i64) {
        while let Some((_, admitted)) = self.slots.pop_front_if(|(slot, _)| *slot <= last) {
            for (account, count) in admitted {
                self.all -= count;
                match self.by_account.get_mut(&account) {
                    Some(own) if *own > count => *own -= count,
                    Some(_) | None => {
                        self.by_account.remove(&account);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountId {
        AccountId::named(name)
    }

    /// Admits as many of `wanted` as may be.
    fn send(window: &mut Window, name: &str, wanted: u64, now_ms: i64) -> u64 {
        (0..wanted).filter(|_| window.admit(account(name), true, now_ms)).count() as u64
    }

    #[test]
    fn nobody_is_refused_while_there_is_enough_for_all() {
        let mut window = Window::default();
        assert!((0..10_000).all(|n| window.admit(account("a"), false, n)));
        assert!(window.admit(account("b"), false, 10_000));
        assert!(window.admit(account("a"), false, 10_000));
    }

    #[test]
    fn an_account_alone_is_never_refused() {
        let mut window = Window::default();
        assert_eq!(send(&mut window, "a", 10_000, 5), 10_000);
        assert_eq!(send(&mut window, "a", 10_000, 9_000), 10_000);
    }

    #[test]
    fn one_that_had_more_than_its_part_waits_until_that_is_over() {
        let mut window = Window::default();
        for _ in 0..100 {
            window.admit(account("a"), false, 0);
        }
        for (now_ms, name, wanted, admitted) in [
            (1_000, "b", 10, 10),
            (1_000, "a", 10, 0),
            // The hundred of the first second do not count any more.
            (9_999, "a", 10, 0),
            (10_000, "a", 5, 5),
            (10_000, "b", 1, 0),
        ] {
            assert_eq!(send(&mut window, name, wanted, now_ms), admitted, "{name} at {now_ms}");
        }
    }

    #[test]
    fn accounts_that_flood_come_to_equal_parts_and_a_quiet_one_gets_all_that_it_wants() {
        let mut window = Window::default();
        for _ in 0..5_000 {
            window.admit(account("a"), false, 0);
        }
        let mut of_last_seconds: HashMap<&str, u64> = HashMap::new();
        for tick in 1..600 {
            let now_ms = tick * 100;
            for (name, wanted) in [("a", 1_000), ("b", 50), ("quiet", 1)] {
                let admitted = send(&mut window, name, wanted, now_ms);
                if now_ms > 30_000 {
                    *of_last_seconds.entry(name).or_default() += admitted;
                }
            }
        }
        let of = |name| of_last_seconds.get(name).copied().unwrap_or(0);
        assert!(of("quiet") >= 295, "{of_last_seconds:?}");
        // 29,900 and 14,950 were wanted. What leaves the window does so in slots, so it is not quite equal.
        for flooding in ["a", "b"] {
            assert!((of("quiet") / 2..=of("quiet") * 2).contains(&of(flooding)), "{of_last_seconds:?}");
        }
    }

    #[test]
    fn only_accounts_of_the_last_seconds_are_known() {
        let mut window = Window::default();
        for n in 0..1_000 {
            window.admit(account(&n.to_string()), true, n * 100);
        }
        assert!(window.by_account.len() <= 100, "{}", window.by_account.len());
        assert_eq!(window.all, window.by_account.values().sum::<u64>());
        window.admit(account("last"), true, 1_000_000);
        assert_eq!((window.by_account.len(), window.slots.len(), window.all), (1, 1, 1));
    }
}
