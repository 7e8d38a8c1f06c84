//! UTC days: what long spans are summed by instead of quarters of an hour.
//!
//! A border of a zone need not be a border of UTC days. It is moved to the nearest of those, and the quarters between the
//! two, half a day of them at most, are added to the interval that they belong to and taken from the one that the days
//! have them in. With D(x) for all that happened before a border x of days, and P(t) for the quarters between t and the
//! nearest border N(t), counted negative where t comes first, an interval [a, b) is D(N(b)) + P(b) - D(N(a)) - P(a).

use std::collections::BTreeMap;
use std::ops::Range;

use crate::bucket::{Bucket, BucketKey, QUARTER_MS};
use crate::series::{Interval, Span};

/// A UTC day in milliseconds.
pub const DAY_MS: i64 = 96 * QUARTER_MS;

/// A UTC day, counted from 1970.
pub type Day = i32;

/// The day that a time, Unix milliseconds, is in.
#[must_use]
pub fn day_of(ms: i64) -> Day {
    let day = ms.div_euclid(DAY_MS);
    Day::try_from(day).unwrap_or(if day < 0 { Day::MIN } else { Day::MAX })
}

/// When a day begins, Unix milliseconds.
#[must_use]
pub fn begin_ms(day: Day) -> i64 {
    i64::from(day) * DAY_MS
}

impl Span {
    /// The days that lie in it as a whole; may be empty.
    #[must_use]
    pub fn days_inside(self) -> Range<Day> {
        day_of(self.start_ms + DAY_MS - 1)..day_of(self.end_ms)
    }

    /// The days between the borders of days that are nearest to its own; may be empty.
    #[must_use]
    pub fn days_near(self) -> Range<Day> {
        nearest(self.start_ms)..nearest(self.end_ms)
    }
}

/// The day that begins nearest to a time; of two the later one.
fn nearest(ms: i64) -> Day {
    day_of(ms + DAY_MS / 2)
}

/// Changes by quarter of an hour, summed by day: the keys' times are the days' first milliseconds.
#[must_use]
pub fn by_day(changes: &BTreeMap<BucketKey, Bucket>) -> BTreeMap<BucketKey, Bucket> {
    let mut days: BTreeMap<BucketKey, Bucket> = BTreeMap::new();
    for (key, bucket) in changes {
        let day = BucketKey { quarter_ms: begin_ms(day_of(key.quarter_ms)), ..*key };
        days.entry(day).or_default().add(bucket);
    }
    days
}

/// Quarters between a border of two intervals and the border of days that is nearest to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The quarters.
    pub span: Span,
    /// The interval that they are added to.
    pub to: Option<usize>,
    /// The interval that they are taken from.
    pub from: Option<usize>,
}

/// Intervals as sums of days and of parts of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// For each border of the intervals, first and last one included, when the day begins that is nearest to it. Days from
    /// one to the next are the interval's.
    pub borders_ms: Vec<i64>,
    /// What is wrong then.
    pub parts: Vec<Part>,
}

impl Cut {
    /// Cuts intervals that have no gap.
    #[must_use]
    pub fn of(intervals: &[Interval]) -> Self {
        let starts = intervals.iter().map(|interval| interval.span.start_ms);
        let end = intervals.last().map(|interval| interval.span.end_ms);
        let borders: Vec<i64> = starts.chain(end).collect();
        let borders_ms: Vec<i64> = borders.iter().map(|ms| begin_ms(nearest(*ms))).collect();
        let mut parts = Vec::new();
        for (place, (border, day)) in borders.into_iter().zip(&borders_ms).enumerate() {
            let (before, after) = (place.checked_sub(1), (place < intervals.len()).then_some(place));
            let span = Span { start_ms: border.min(*day), end_ms: border.max(*day) };
            match border.cmp(day) {
                std::cmp::Ordering::Less => parts.push(Part { span, to: after, from: before }),
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => parts.push(Part { span, to: before, from: after }),
            }
        }
        Self { borders_ms, parts }
    }

    /// How many rows that is of each channel, at most.
    #[must_use]
    pub fn rows(&self) -> i64 {
        let days =
            self.borders_ms.last().zip(self.borders_ms.first()).map_or(0, |(last, first)| last - first);
        let quarters: i64 = self.parts.iter().map(|part| part.span.end_ms - part.span.start_ms).sum();
        days / DAY_MS + quarters / QUARTER_MS
    }

    /// The intervals' numbers, without durations. Days come with the place of their interval, quarters with that of their
    /// part.
    #[must_use]
    pub fn sum<C: Ord + Clone>(
        &self,
        days: impl IntoIterator<Item = (usize, C, Bucket)>,
        quarters: impl IntoIterator<Item = (usize, C, Bucket)>,
    ) -> BTreeMap<(usize, C), Bucket> {
        let mut sums: BTreeMap<(usize, C), Bucket> = BTreeMap::new();
        for (interval, channel, bucket) in days {
            sums.entry((interval, channel)).or_default().add_counts(&bucket);
        }
        for (part, channel, bucket) in quarters {
            let Some(part) = self.parts.get(part) else { continue };
            if let Some(to) = part.to {
                sums.entry((to, channel.clone())).or_default().add_counts(&bucket);
            }
            if let Some(from) = part.from {
                sums.entry((from, channel)).or_default().subtract_counts(&bucket);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use flow_model::{AccountId, Channel, WorkflowId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::series::{Granularity, intervals};
    use crate::usage::AiUsage;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    fn span(start_hour: i64, end_hour: i64) -> Span {
        Span { start_ms: start_hour * HOUR_MS, end_ms: end_hour * HOUR_MS }
    }

    fn cut(spans: &[(i64, i64)]) -> Cut {
        let interval =
            |(start, end): &(i64, i64)| Interval { span: span(*start, *end), label: String::new() };
        Cut::of(&spans.iter().map(interval).collect::<Vec<_>>())
    }

    fn bucket(n: i64) -> Bucket {
        let ai =
            AiUsage { answers: n, fallbacks: 1, prompt_tokens: 2 * n, completion_tokens: 3, cost_micros: 5 };
        Bucket {
            succeeded: n,
            failed: 1,
            duration_ms: 7 * n,
            messages_received: 2,
            messages_sent: n,
            ai,
            ..Bucket::default()
        }
    }

    #[test]
    fn days_are_found_inside_of_a_span_and_near_it() {
        let days = |start, end| (span(start, end).days_inside(), span(start, end).days_near());
        assert_eq!(days(0, 48), (0..2, 0..2));
        assert_eq!(days(1, 47), (1..1, 0..2));
        assert_eq!(days(-2, 70), (0..2, 0..3));
        assert_eq!(days(-13, 61), (0..2, -1..3));
        let (inside, near) = days(13, 14);
        assert!(inside.is_empty() && near.is_empty());
    }

    #[test]
    fn borders_of_days_need_no_quarters() {
        let days = cut(&[(0, 24), (24, 72)]);
        assert_eq!(days, Cut { borders_ms: vec![0, DAY_MS, 3 * DAY_MS], parts: Vec::new() });
    }

    #[test]
    fn quarters_are_moved_between_neighbours() {
        let east = cut(&[(-2, 22), (22, 46)]);
        assert_eq!(east.borders_ms, [0, DAY_MS, 2 * DAY_MS]);
        let part = |start, end, to, from| Part { span: span(start, end), to, from };
        assert_eq!(
            east.parts,
            [part(-2, 0, Some(0), None), part(22, 24, Some(1), Some(0)), part(46, 48, None, Some(1))]
        );
        let west = cut(&[(5, 29)]);
        assert_eq!(west.parts, [part(0, 5, None, Some(0)), part(24, 29, Some(0), None)]);
        assert_eq!((east.rows(), west.rows()), (2 + 24, 1 + 40));
    }

    #[test]
    fn changes_of_a_day_are_summed() {
        let key = |quarter: i64, channel| BucketKey {
            account: AccountId::named("a"),
            workflow: WorkflowId::new(Uuid::from_u128(1)),
            channel,
            quarter_ms: quarter * QUARTER_MS,
        };
        let changes = [
            (0, Channel::Web),
            (95, Channel::Web),
            (96, Channel::Web),
            (-1, Channel::Web),
            (3, Channel::Voice),
        ];
        let days =
            by_day(&changes.iter().map(|(quarter, channel)| (key(*quarter, *channel), bucket(1))).collect());
        let counts: Vec<(i64, Channel, i64)> = days
            .iter()
            .map(|(key, bucket)| (key.quarter_ms / DAY_MS, key.channel, bucket.succeeded))
            .collect();
        for expected in
            [(0, Channel::Web, 2), (1, Channel::Web, 1), (-1, Channel::Web, 1), (0, Channel::Voice, 1)]
        {
            assert!(counts.contains(&expected), "{counts:?}");
        }
        assert_eq!(counts.len(), 4);
    }

    proptest! {
        #[test]
        fn days_and_parts_are_what_the_quarters_are(
            quarter in 0_i64..2_000_000, quarters in 1_i64..3000, zone in 0_usize..596, kind in 0_usize..4, salt in 1_i64..1000
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone % chrono_tz::TZ_VARIANTS.len()];
            let granularity = [Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month][kind];
            let all = Span { start_ms: quarter * QUARTER_MS, end_ms: (quarter + quarters) * QUARTER_MS };
            let intervals = intervals(all, granularity, zone, usize::MAX).unwrap();
            let cut = Cut::of(&intervals);
            let sum = |from_ms: i64, until_ms: i64| {
                let mut sum = Bucket::default();
                (from_ms / QUARTER_MS..until_ms / QUARTER_MS).for_each(|n| sum.add_counts(&bucket(n * salt % 101)));
                sum
            };
            let days = cut.borders_ms.windows(2).enumerate().map(|(place, days)| (place, (), sum(days[0], days[1])));
            let parts = cut.parts.iter().enumerate();
            let parts = parts.map(|(place, part)| (place, (), sum(part.span.start_ms, part.span.end_ms)));
            let sums = cut.sum(days, parts);
            for part in &cut.parts {
                prop_assert!(part.span.end_ms - part.span.start_ms <= DAY_MS / 2);
            }
            for (place, interval) in intervals.iter().enumerate() {
                let plain = sum(interval.span.start_ms, interval.span.end_ms);
                prop_assert_eq!(sums.get(&(place, ())), Some(&plain));
            }
        }
    }
}
