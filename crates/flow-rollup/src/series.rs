//! The borders of hours, days, weeks and months in a time zone.
//!
//! A span is cut at the zone's own borders, so a day has 23 or 25 hours when its clocks change. All borders fall on
//! quarters of an hour, as they have done in every zone since 1972; where an older one did not, the next quarter counts.

use chrono::{
    DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, Offset, SecondsFormat, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

use crate::bucket::{QUARTER_MS, quarter_of};

/// How fine a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Hours of the zone's clock.
    Hour,
    /// Days.
    Day,
    /// ISO 8601 weeks, from Monday.
    Week,
    /// Months.
    Month,
}

/// A span of time on quarters of an hour, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first millisecond.
    pub start_ms: i64,
    /// The first millisecond after it, above `start_ms`.
    pub end_ms: i64,
}

/// One element of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The part of it that the series covers.
    pub span: Span,
    /// When the whole of it begins: `YYYY-MM-DD`, or for an hour a time with the zone's offset.
    pub label: String,
}

/// A series is longer than was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the series is too long")]
pub struct TooLong;

impl Span {
    /// The smallest span of whole quarters that holds both times. At least one quarter.
    #[must_use]
    pub fn around(start_ms: i64, end_ms: i64) -> Self {
        let start_ms = quarter_of(start_ms);
        let end_ms = quarter_of(end_ms.saturating_add(QUARTER_MS - 1));
        Self { start_ms, end_ms: end_ms.max(start_ms + QUARTER_MS) }
    }
}

/// Cuts a span, in order and without a gap.
///
/// # Errors
/// When there would be more than `most`.
pub fn intervals(
    span: Span,
    granularity: Granularity,
    zone: Tz,
    most: usize,
) -> Result<Vec<Interval>, TooLong> {
    let mut intervals = Vec::new();
    let mut start_ms = span.start_ms;
    while start_ms < span.end_ms {
        if intervals.len() == most {
            return Err(TooLong);
        }
        let (label, end_ms) = match granularity {
            Granularity::Hour => hour(start_ms, zone),
            Granularity::Day | Granularity::Week | Granularity::Month => dated(start_ms, granularity, zone),
        };
        // However odd the zone's history is: it ends.
        let end_ms = end_ms.clamp(start_ms + QUARTER_MS, span.end_ms.max(start_ms + QUARTER_MS));
        intervals.push(Interval { span: Span { start_ms, end_ms }, label });
        start_ms = end_ms;
    }
    Ok(intervals)
}

fn local(ms: i64, zone: Tz) -> DateTime<FixedOffset> {
    let utc = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&utc.naive_utc()).fix();
    utc.with_timezone(&offset)
}

/// The hour of the clock that a time is in. When the clocks change an hour may be shorter, and one may come twice.
fn hour(start_ms: i64, zone: Tz) -> (String, i64) {
    let of = |ms: i64| {
        let local = local(ms, zone);
        (local.date_naive(), local.hour(), local.offset().local_minus_utc())
    };
    let this = of(start_ms);
    let within = |ms: &i64| of(*ms) == this;
    let quarters = |step: i64| (1..4).map(move |n| start_ms + n * step);
    let first = quarters(-QUARTER_MS).take_while(within).last().unwrap_or(start_ms);
    let last = quarters(QUARTER_MS).take_while(within).last().unwrap_or(start_ms);
    (local(first, zone).to_rfc3339_opts(SecondsFormat::Secs, true), last + QUARTER_MS)
}

/// The day, week or month that a time is in: its first date, and where the next one begins.
fn dated(start_ms: i64, granularity: Granularity, zone: Tz) -> (String, i64) {
    let date = local(start_ms, zone).date_naive();
    let (first, next) = match granularity {
        Granularity::Hour | Granularity::Day => (date, date.checked_add_days(Days::new(1))),
        Granularity::Week => {
            let monday = date - Days::new(u64::from(date.weekday().num_days_from_monday()));
            (monday, monday.checked_add_days(Days::new(7)))
        }
        Granularity::Month => {
            let first = date.with_day(1).unwrap_or(date);
            (first, first.checked_add_months(Months::new(1)))
        }
    };
    let end_ms = next.map_or(i64::MAX, |next| begins(next, zone));
    (first.format("%Y-%m-%d").to_string(), end_ms)
}

/// The first quarter of an hour that belongs to a date, or to a later one where the zone has left the date out.
#[must_use]
pub fn begins(date: NaiveDate, zone: Tz) -> i64 {
    let midnight_utc = date.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc().timestamp_millis();
    // No clock is further from UTC than 26 hours.
    let reach = 26 * 4;
    let (mut low, mut high) = (-reach, reach);
    while low < high {
        let middle = low + (high - low) / 2;
        if local(midnight_utc + middle * QUARTER_MS, zone).date_naive() >= date {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    midnight_utc + low * QUARTER_MS
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Australia, Europe, Pacific, UTC};
    use proptest::prelude::*;

    use super::*;

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    fn cut(start: &str, end: &str, granularity: Granularity, zone: Tz) -> Vec<(String, i64)> {
        let span = Span::around(ms(start), ms(end));
        let minutes = |span: Span| (span.end_ms - span.start_ms) / 60_000;
        let intervals = intervals(span, granularity, zone, 2000).unwrap();
        intervals.into_iter().map(|interval| (interval.label, minutes(interval.span))).collect()
    }

    fn rows(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
        rows.iter().map(|(label, minutes)| ((*label).to_owned(), *minutes)).collect()
    }

    #[test]
    fn spans_are_moved_outwards_to_quarters() {
        let span = Span::around(ms("2026-11-23T10:07:00Z"), ms("2026-11-23T10:16:00Z"));
        assert_eq!(span, Span { start_ms: ms("2026-11-23T10:00:00Z"), end_ms: ms("2026-11-23T10:30:00Z") });
        let border = ms("2026-11-23T10:15:00Z");
        assert_eq!(Span::around(border, border), Span { start_ms: border, end_ms: border + QUARTER_MS });
    }

    #[test]
    fn days_change_their_length_with_the_clocks() {
        let days = cut("2026-10-23T22:00:00Z", "2026-10-25T23:00:00Z", Granularity::Day, Europe::Berlin);
        assert_eq!(days, rows(&[("2026-10-24", 24 * 60), ("2026-10-25", 25 * 60)]));
        // Lord Howe moves by half an hour.
        let days =
            cut("2026-10-02T13:30:00Z", "2026-10-04T13:00:00Z", Granularity::Day, Australia::Lord_Howe);
        assert_eq!(days, rows(&[("2026-10-03", 24 * 60), ("2026-10-04", 23 * 60 + 30)]));
    }

    #[test]
    fn hours_are_those_of_the_zones_clock() {
        let hours = cut("2026-11-23T00:00:00Z", "2026-11-23T01:00:00Z", Granularity::Hour, Asia::Kathmandu);
        assert_eq!(hours, rows(&[("2026-11-23T05:00:00+05:45", 15), ("2026-11-23T06:00:00+05:45", 45)]));
        let hours = cut("2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", Granularity::Hour, Europe::Berlin);
        assert_eq!(hours, rows(&[("2026-10-25T02:00:00+02:00", 60), ("2026-10-25T02:00:00+01:00", 60)]));
        let hours =
            cut("2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", Granularity::Hour, Australia::Lord_Howe);
        assert_eq!(hours, rows(&[("2026-04-05T01:00:00+11:00", 60), ("2026-04-05T01:30:00+10:30", 30)]));
        assert_eq!(
            cut("2026-11-23T00:00:00Z", "2026-11-23T01:00:00Z", Granularity::Hour, UTC),
            rows(&[("2026-11-23T00:00:00Z", 60)])
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let weeks = cut("2026-11-22T00:00:00Z", "2026-11-24T00:00:00Z", Granularity::Week, UTC);
        assert_eq!(weeks, rows(&[("2026-11-16", 24 * 60), ("2026-11-23", 24 * 60)]));
        let months = cut("2024-01-10T00:00:00Z", "2024-03-02T00:00:00Z", Granularity::Month, UTC);
        let day = 24 * 60;
        assert_eq!(months, rows(&[("2024-01-01", 22 * day), ("2024-02-01", 29 * day), ("2024-03-01", day)]));
    }

    #[test]
    fn a_date_that_a_zone_left_out_is_not_in_its_series() {
        let days = cut("2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", Granularity::Day, Pacific::Apia);
        assert_eq!(days, rows(&[("2011-12-29", 24 * 60), ("2011-12-31", 24 * 60)]));
        // Midnight itself may be missing.
        let days = cut("2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z", Granularity::Day, America::Sao_Paulo);
        assert_eq!(days, rows(&[("2018-11-03", 24 * 60), ("2018-11-04", 23 * 60)]));
    }

    #[test]
    fn a_series_has_a_longest_length() {
        let span = Span { start_ms: 0, end_ms: 2001 * 3_600_000 };
        assert_eq!(intervals(span, Granularity::Hour, UTC, 2000), Err(TooLong));
    }

    proptest! {
        #[test]
        fn intervals_cover_their_span_without_a_gap(
            quarter in 0_i64..2_000_000, quarters in 1_i64..4000, zone in 0_usize..596, kind in 0_usize..4
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone % chrono_tz::TZ_VARIANTS.len()];
            let granularity = [Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month][kind];
            let span = Span { start_ms: quarter * QUARTER_MS, end_ms: (quarter + quarters) * QUARTER_MS };
            let intervals = intervals(span, granularity, zone, usize::MAX).unwrap();
            let mut at = span.start_ms;
            for interval in &intervals {
                prop_assert_eq!(interval.span.start_ms, at);
                prop_assert!(interval.span.end_ms > at && interval.span.end_ms % QUARTER_MS == 0);
                at = interval.span.end_ms;
            }
            prop_assert_eq!(at, span.end_ms);
        }
    }
}
