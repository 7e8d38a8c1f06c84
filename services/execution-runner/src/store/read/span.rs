//! What of a time is known from the counters, and what is left to be counted row by row.

use chrono::{DateTime, Utc};

use crate::store::code::time;
use crate::store::commit::{HOUR_MS, SLICE_HOURS};

/// The end of time, Unix milliseconds: the year 9999.
pub(super) const END_MS: i64 = 253_402_300_799_999;

/// Starts from this time to that, both included, Unix milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub start_ms: i64,
    pub end_ms: i64,
}

impl Span {
    /// As little as can be counted row by row, and the rest by counters: by the slice where that is possible.
    pub fn split(self) -> Split {
        let Some((from_ms, until_ms)) = whole(self.start_ms, self.end_ms + 1, HOUR_MS) else {
            return Split { counted: Vec::new(), borders: vec![self] };
        };
        let hours = |from_ms, until_ms| Counted { hours: 1, from_ms, until_ms };
        let counted = match whole(from_ms, until_ms, i64::from(SLICE_HOURS) * HOUR_MS) {
            None => vec![hours(from_ms, until_ms)],
            Some((first_ms, last_ms)) => vec![
                hours(from_ms, first_ms),
                Counted { hours: SLICE_HOURS, from_ms: first_ms, until_ms: last_ms },
                hours(last_ms, until_ms),
            ],
        };
        let borders = [
            Self { start_ms: self.start_ms, end_ms: from_ms - 1 },
            Self { start_ms: until_ms, end_ms: self.end_ms },
        ];
        Split {
            counted: counted.into_iter().filter(|part| part.from_ms < part.until_ms).collect(),
            borders: borders.into_iter().filter(|border| border.start_ms <= border.end_ms).collect(),
        }
    }
}

/// The whole multiples of a width in a time whose end is not included; none when there is not one.
fn whole(from_ms: i64, until_ms: i64, width_ms: i64) -> Option<(i64, i64)> {
    let first = from_ms.div_euclid(width_ms) + i64::from(from_ms.rem_euclid(width_ms) != 0);
    let after_last = until_ms.div_euclid(width_ms);
    (first < after_last).then_some((first * width_ms, after_last * width_ms))
}

/// A span as what counters know, and what is left at its borders.
#[derive(Debug)]
pub(super) struct Split {
    /// Oldest first.
    pub counted: Vec<Counted>,
    /// Less than an hour each.
    pub borders: Vec<Span>,
}

/// A time that is counted by so many hours at once; its end is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub hours: i16,
    pub from_ms: i64,
    pub until_ms: i64,
}

/// As the statements take them.
pub(super) fn columns(counted: &[Counted]) -> (Vec<i16>, Vec<DateTime<Utc>>, Vec<DateTime<Utc>>) {
    let hours = counted.iter().map(|part| part.hours).collect();
    let from = counted.iter().map(|part| time(part.from_ms)).collect();
    (hours, from, counted.iter().map(|part| time(part.until_ms)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE_MS: i64 = SLICE_HOURS as i64 * HOUR_MS;

    /// What is counted, as hours, begin and end; and the borders.
    type Parts = (Vec<(i16, i64, i64)>, Vec<(i64, i64)>);

    fn parts(start_ms: i64, end_ms: i64) -> Parts {
        let split = Span { start_ms, end_ms }.split();
        let counted = split.counted.iter().map(|part| (part.hours, part.from_ms, part.until_ms)).collect();
        (counted, split.borders.iter().map(|border| (border.start_ms, border.end_ms)).collect())
    }

    #[test]
    fn what_is_left_of_an_hour_is_counted_row_by_row() {
        assert_eq!(parts(5, HOUR_MS - 1), (vec![], vec![(5, HOUR_MS - 1)]));
        assert_eq!(parts(0, HOUR_MS - 1), (vec![(1, 0, HOUR_MS)], vec![]));
        assert_eq!(
            parts(1, 3 * HOUR_MS),
            (vec![(1, HOUR_MS, 3 * HOUR_MS)], vec![(1, HOUR_MS - 1), (3 * HOUR_MS, 3 * HOUR_MS)])
        );
    }

    #[test]
    fn whole_slices_are_taken_at_once_and_hours_around_them() {
        assert_eq!(parts(0, 2 * SLICE_MS - 1), (vec![(SLICE_HOURS, 0, 2 * SLICE_MS)], vec![]));
        assert_eq!(
            parts(SLICE_MS - HOUR_MS, 3 * SLICE_MS + HOUR_MS - 1),
            (
                vec![
                    (1, SLICE_MS - HOUR_MS, SLICE_MS),
                    (SLICE_HOURS, SLICE_MS, 3 * SLICE_MS),
                    (1, 3 * SLICE_MS, 3 * SLICE_MS + HOUR_MS)
                ],
                vec![]
            )
        );
    }

    #[test]
    fn parts_and_borders_are_the_span_without_a_hole() {
        for start_ms in [0, 1, HOUR_MS, SLICE_MS - 1, SLICE_MS, SLICE_MS + 7 * HOUR_MS + 3] {
            for length_ms in [1, HOUR_MS, 2 * HOUR_MS + 5, SLICE_MS, 2 * SLICE_MS + 1, 5 * SLICE_MS] {
                let (counted, borders) = parts(start_ms, start_ms + length_ms - 1);
                let mut all: Vec<(i64, i64)> =
                    counted.iter().map(|(_, from, until)| (*from, *until)).collect();
                all.extend(borders.iter().map(|(start, end)| (*start, end + 1)));
                all.sort_unstable();
                assert_eq!(all.first().map(|part| part.0), Some(start_ms));
                assert_eq!(all.last().map(|part| part.1), Some(start_ms + length_ms));
                assert!(all.windows(2).all(|pair| pair[0].1 == pair[1].0), "{all:?}");
            }
        }
    }
}
