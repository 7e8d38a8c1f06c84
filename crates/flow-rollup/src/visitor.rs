//! Distinct customers of any days, exactly, as a sum.
//!
//! Of each customer it is known on which UTC days they were there, and of all customers together how many were there on a
//! day and the time before on which other day ([`Returns`]). Whoever was there on some of the days [a, b) was there on a first
//! one of them, and the time before that before a, or never. So the distinct customers of [a, b) are the sum of those who
//! were there on a day of it and the time before before a.
//!
//! Those rows are kept twice, by the day of the time before and by thirty days of it: else a sum would be over all days
//! that there were before a, for each day of the span.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::day::Day;

/// Stands for the time before of who was never there.
pub const NEVER: Day = Day::MIN;
/// Days that the time before is rounded down to a multiple of, where it is.
pub const WIDE: Day = 30;

/// Names a number of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Return {
    /// Days that `last_day` stands for: 1 or [`WIDE`].
    pub width: Day,
    /// When they were there the time before, or [`NEVER`]: the first one of `width` days.
    pub last_day: Day,
    /// The day that they were there.
    pub day: Day,
}

/// What changes in numbers of customers. A number may be below zero: who was there on days that are forgotten is taken
/// for one who never was, which is the same to every span that begins later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returns(BTreeMap<Return, i64>);

impl Returns {
    /// The numbers that change, and by how much.
    pub fn changes(&self) -> impl Iterator<Item = (Return, i64)> + '_ {
        self.0.iter().map(|(of, change)| (*of, *change)).filter(|(_, change)| *change != 0)
    }

    fn add(&mut self, last_day: Option<Day>, day: Day, customers: i64) {
        let wide = last_day.map(wide);
        for (width, last_day) in [(1, last_day), (WIDE, wide)] {
            let last_day = last_day.unwrap_or(NEVER);
            *self.0.entry(Return { width, last_day, day }).or_default() += customers;
        }
    }
}

/// The times before that a span which begins on this day sums up, by width. Each holds its first day and not its last.
#[must_use]
pub fn summed(first: Day) -> [(Day, Range<Day>); 2] {
    [(WIDE, NEVER..wide(first)), (1, wide(first)..first)]
}

fn wide(day: Day) -> Day {
    day.div_euclid(WIDE) * WIDE
}

/// The days on which a customer was there, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visitor {
    days: Vec<Day>,
}

impl Visitor {
    /// One who was there on these days, ascending.
    #[must_use]
    pub fn of(days: Vec<Day>) -> Self {
        Self { days }
    }

    /// The days, ascending.
    #[must_use]
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// Was there on this day, too. Says whether that is news.
    pub fn comes(&mut self, day: Day, returns: &mut Returns) -> bool {
        let Err(place) = self.days.binary_search(&day) else { return false };
        self.days.insert(place, day);
        self.step_between(place, day, 1, returns);
        true
    }

    /// Was not there on this day. Says whether that is news.
    pub fn leaves(&mut self, day: Day, returns: &mut Returns) -> bool {
        let Ok(place) = self.days.binary_search(&day) else { return false };
        self.step_between(place, day, -1, returns);
        self.days.remove(place);
        true
    }

    /// Forgets days before this one, whose numbers are not kept.
    pub fn forget_before(&mut self, day: Day) {
        self.days.drain(..self.days.partition_point(|one| *one < day));
    }

    /// With the day at this place its neighbours are two steps apart, without it one.
    fn step_between(&self, place: usize, day: Day, customers: i64, returns: &mut Returns) {
        let last = place.checked_sub(1).and_then(|place| self.days.get(place)).copied();
        returns.add(last, day, customers);
        if let Some(next) = self.days.get(place + 1) {
            returns.add(last, *next, -customers);
            returns.add(Some(day), *next, customers);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// As the database sums up.
    fn distinct(returns: &Returns, days: &Range<Day>) -> i64 {
        let is_summed = |of: &Return| {
            let wanted =
                |(width, last): &(Day, Range<Day>)| *width == of.width && last.contains(&of.last_day);
            days.contains(&of.day) && summed(days.start).iter().any(wanted)
        };
        returns.changes().filter(|(of, _)| is_summed(of)).map(|(_, customers)| customers).sum()
    }

    fn brute(there: &BTreeSet<(usize, Day)>, days: &Range<Day>) -> i64 {
        let customers: BTreeSet<usize> =
            there.iter().filter(|(_, day)| days.contains(day)).map(|(customer, _)| *customer).collect();
        i64::try_from(customers.len()).unwrap()
    }

    /// Comings and leavings of eight customers within so many days around 1970.
    fn story() -> impl Strategy<Value = Vec<(usize, Day, bool)>> {
        proptest::collection::vec((0_usize..8, -40_i32..110, proptest::bool::weighted(0.75)), 0..120)
    }

    /// What is told of them, and what is so.
    #[derive(Default)]
    struct Told {
        returns: Returns,
        visitors: [Visitor; 8],
        there: BTreeSet<(usize, Day)>,
    }

    impl Told {
        fn of(story: &[(usize, Day, bool)]) -> Self {
            let mut told = Self::default();
            for (customer, day, comes) in story {
                told.tell(*customer, *day, *comes);
            }
            told
        }

        fn tell(&mut self, customer: usize, day: Day, comes: bool) {
            let visitor = &mut self.visitors[customer];
            let (news, is_new) = if comes {
                (visitor.comes(day, &mut self.returns), self.there.insert((customer, day)))
            } else {
                (visitor.leaves(day, &mut self.returns), self.there.remove(&(customer, day)))
            };
            assert_eq!(news, is_new);
        }
    }

    proptest! {
        #[test]
        fn any_days_have_the_customers_that_were_there(story in story(), first in -45_i32..115, length in 0_i32..150) {
            let told = Told::of(&story);
            let days = first..first + length;
            prop_assert_eq!(distinct(&told.returns, &days), brute(&told.there, &days));
            for (customer, visitor) in told.visitors.iter().enumerate() {
                let there = told.there.iter().filter(|(who, _)| *who == customer);
                prop_assert_eq!(visitor.days(), there.map(|(_, day)| *day).collect::<Vec<Day>>());
            }
        }

        #[test]
        fn the_order_of_visits_makes_no_difference(story in story(), seed in any::<u64>()) {
            let there = Told::of(&story).there;
            let mut visits: Vec<(usize, Day, bool)> =
                there.into_iter().map(|(customer, day)| (customer, day, true)).collect();
            let ordered = Told::of(&visits).returns;
            visits.sort_by_key(|(customer, day, _)| {
                (u64::from(day.unsigned_abs()) + *customer as u64 + 1).wrapping_mul(seed | 1).rotate_left(17)
            });
            let shuffled = Told::of(&visits).returns;
            prop_assert_eq!(ordered.changes().collect::<Vec<_>>(), shuffled.changes().collect::<Vec<_>>());
        }

        #[test]
        fn forgotten_days_change_nothing_that_comes_after_them(
            before in story(), after in story(), slices in 0_i32..3, first in 0_i32..60, length in 0_i32..80
        ) {
            // What is dropped is as wide as times before are rounded to.
            let kept = slices * WIDE;
            let mut told = Told::of(&before);
            for (customer, day, comes) in after.into_iter().filter(|(_, day, _)| *day >= kept) {
                told.visitors[customer].forget_before(kept);
                told.tell(customer, day, comes);
            }
            let days = kept + first..kept + first + length;
            prop_assert_eq!(distinct(&told.returns, &days), brute(&told.there, &days));
        }
    }

    #[test]
    fn a_day_between_two_others_parts_them() {
        let mut visitor = Visitor::of(vec![3, 40]);
        let mut returns = Returns::default();
        assert!(visitor.comes(35, &mut returns));
        let one = |last_day, day, n| (Return { width: 1, last_day, day }, n);
        let wide = |last_day, day, n| (Return { width: WIDE, last_day, day }, n);
        let changes: Vec<(Return, i64)> = returns.changes().collect();
        assert_eq!(
            changes,
            [one(3, 35, 1), one(3, 40, -1), one(35, 40, 1), wide(0, 35, 1), wide(0, 40, -1), wide(30, 40, 1)]
        );
        assert!(!visitor.comes(35, &mut returns));
        assert!(visitor.leaves(35, &mut returns));
        assert_eq!(returns.changes().count(), 0);
        assert_eq!(visitor.days(), [3, 40]);
    }
}
