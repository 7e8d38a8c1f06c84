//! Which executions are filled in: a pure function of their numbers, so that whatever was filled can be told again.
//!
//! Executions of one filling are numbered in the order of their starts. All workflows are busy all the time: the numbers
//! of a workflow are spread evenly. Each tenth execution brings a new customer, the others come from those that are
//! known, from some much more often.

use std::ops::Range;

use uuid::{Builder, Uuid};

use crate::number::{real, whole};

/// A day, milliseconds.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Executions for each customer.
const EXECUTIONS_EACH: u64 = 10;
/// One execution in so many fails.
const FAILS_OF: u64 = 500;
/// The longest execution, milliseconds; all are as quick as real ones, which the aggregator counts exactly.
const LONGEST_MS: u64 = 12;

/// An execution to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Its id, whose time is its start.
    pub id: Uuid,
    /// Its workflow, by rank from 0.
    pub workflow: usize,
    /// Its customer's number.
    pub customer: u64,
    /// Whether it failed.
    pub failed: bool,
    /// Unix milliseconds.
    pub started_at_ms: i64,
    /// How long it took.
    pub duration_ms: i64,
    /// Chooses the real execution that it repeats.
    pub repeats: u64,
}

/// One filling: so many executions between two times.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    /// Executions that were filled in before.
    before: u64,
    /// Executions of this one.
    pub count: u64,
    start_ms: i64,
    span_ms: u64,
    /// For each workflow, how many executions it and those of lower rank get.
    until: Vec<u64>,
    /// Has no divisor in common with `count`.
    stride: u64,
}

impl Pass {
    /// Adds so many executions to each workflow, after `before` that are there.
    pub fn new(before: u64, added: &[u64], span: &Range<i64>) -> Self {
        let sums = added.iter().scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        });
        let until: Vec<u64> = sums.collect();
        let count = until.last().copied().unwrap_or(0);
        let span_ms = u64::try_from(span.end - span.start).unwrap_or(0);
        Self { before, count, start_ms: span.start, span_ms, until, stride: stride(count) }
    }

    /// Customers that there are once it is filled in.
    pub fn customers(&self) -> u64 {
        (self.before + self.count).div_ceil(EXECUTIONS_EACH)
    }

    /// When the n-th execution starts: goes up with n.
    pub fn started_at_ms(&self, n: u64) -> i64 {
        let at = |n: u64| u128::from(n) * u128::from(self.span_ms) / u128::from(self.count.max(1));
        let (from, to) = (at(n), at(n + 1));
        let within = u128::from(mix(self.before + n, 1)) % (to - from).max(1);
        self.start_ms + i64::try_from(from + within).unwrap_or(0)
    }

    /// The n-th execution.
    pub fn one(&self, n: u64) -> Drawn {
        let number = self.before + n;
        let started_at_ms = self.started_at_ms(n);
        let place = u64::try_from(u128::from(n) * u128::from(self.stride) % u128::from(self.count.max(1)));
        let place = place.unwrap_or(0);
        let mut random = [0; 10];
        let bytes = mix(number, 2).to_be_bytes().into_iter().chain(mix(number, 3).to_be_bytes());
        random.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        let millis = u64::try_from(started_at_ms).unwrap_or(0);
        Drawn {
            id: Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
            workflow: self.until.partition_point(|until| *until <= place),
            customer: customer(number),
            failed: mix(number, 5).is_multiple_of(FAILS_OF),
            started_at_ms,
            duration_ms: i64::try_from(1 + mix(number, 6) % LONGEST_MS).unwrap_or(1),
            repeats: mix(number, 7),
        }
    }

    /// The executions that start on this day, which is counted from 1970.
    pub fn of_day(&self, day: i64) -> Vec<Drawn> {
        let (from, to) = (self.first_after(day * DAY_MS), self.first_after((day + 1) * DAY_MS));
        (from..to).map(|n| self.one(n)).collect()
    }

    /// The first execution that starts at this time or later.
    fn first_after(&self, at_ms: i64) -> u64 {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.started_at_ms(middle) < at_ms { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The days that a span touches.
pub(super) fn days(span: &Range<i64>) -> Range<i64> {
    span.start.div_euclid(DAY_MS)..(span.end - 1).div_euclid(DAY_MS) + 1
}

/// The customer of an execution: a new one, or one that is known, with a density that falls with the number.
fn customer(number: u64) -> u64 {
    let newest = number / EXECUTIONS_EACH;
    if number.is_multiple_of(EXECUTIONS_EACH) {
        return newest;
    }
    let place = real(mix(number, 4) >> 11) / real(1 << 53);
    whole(real(newest + 1) * place * place.sqrt()).min(newest)
}

/// Steps of about 0.618 of all, with which every number is met once and neighbours are far apart.
fn stride(count: u64) -> u64 {
    let about = whole(real(count) * 0.618_034);
    (about.max(1)..=count).find(|step| gcd(*step, count.max(1)) == 1).unwrap_or(1)
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// A number that looks random and is the same each time: the finalizer of `SplitMix64`.
fn mix(number: u64, salt: u64) -> u64 {
    let mut z = number.wrapping_add(salt << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use flow_model::ExecutionId;

    use super::*;
    use crate::grow::shape::sizes;
    use crate::number::count;

    const SPAN: Range<i64> = 1_700_000_000_000..1_731_449_600_000;

    fn pass(before: u64, all: u64) -> Pass {
        let (few, many) = (sizes(before, 20), sizes(all, 20));
        let added: Vec<u64> = few.iter().zip(&many).map(|(few, many)| many - few).collect();
        Pass::new(before, &added, &SPAN)
    }

    fn counts(pass: &Pass, workflows: usize) -> Vec<(u64, u64)> {
        let mut counts = vec![(0, 0); workflows];
        for drawn in (0..pass.count).map(|n| pass.one(n)) {
            if let Some((all, failed)) = counts.get_mut(drawn.workflow) {
                *all += 1;
                *failed += u64::from(drawn.failed);
            }
        }
        counts
    }

    #[test]
    fn each_workflow_gets_as_many_as_it_is_to_have() {
        for all in [1, 2000, 7919] {
            let counted: Vec<u64> = counts(&pass(0, all), 20).into_iter().map(|(all, _)| all).collect();
            assert_eq!(counted, sizes(all, 20));
        }
    }

    #[test]
    fn ids_are_in_the_order_of_time_and_say_when_they_start() {
        let pass = pass(2000, 20_000);
        let drawn: Vec<Drawn> = (0..pass.count).map(|n| pass.one(n)).collect();
        assert!(drawn.is_sorted_by(|one, next| one.id < next.id));
        for one in drawn {
            assert_eq!(ExecutionId::new(one.id).accepted_at_ms(), one.started_at_ms);
            assert!(SPAN.contains(&one.started_at_ms));
        }
    }

    #[test]
    fn the_days_hold_every_execution_once() {
        let pass = pass(0, 5000);
        let of_days: Vec<Drawn> = days(&SPAN).flat_map(|day| pass.of_day(day)).collect();
        let all: Vec<Drawn> = (0..pass.count).map(|n| pass.one(n)).collect();
        assert_eq!(of_days, all);
    }

    #[test]
    fn every_customer_comes_and_some_come_often() {
        let (first, second) = (pass(0, 1000), pass(1000, 20_000));
        let drawn: Vec<Drawn> =
            (0..1000).map(|n| first.one(n)).chain((0..second.count).map(|n| second.one(n))).collect();
        let customers: BTreeSet<u64> = drawn.iter().map(|one| one.customer).collect();
        assert_eq!(count(customers.len()), second.customers());
        assert_eq!(customers.last(), Some(&1999));
        assert!(drawn.iter().filter(|one| one.customer == 0).count() > 100);
    }

    #[test]
    fn few_fail() {
        let failed: u64 = counts(&pass(0, 20_000), 20).into_iter().map(|(_, failed)| failed).sum();
        assert!((20..60).contains(&failed), "{failed}");
    }
}
