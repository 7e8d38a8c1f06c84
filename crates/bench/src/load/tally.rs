//! What a load counted.

use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;

use super::Outcome;
use crate::figure::millis;

/// The longest time that is told from longer ones, microseconds.
const LONGEST_MICROS: u64 = 120_000_000;
/// Digits of a time that count.
const DIGITS: u8 = 3;

/// Outcomes of a load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answered as asked.
    pub good: u64,
    /// Refused by the API.
    pub refused: u64,
    /// Answered with something else.
    pub wrong: u64,
    /// Without an answer.
    pub unknown: u64,
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Good => self.good += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Wrong => self.wrong += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }
}

/// What a load counted.
#[derive(Debug, Clone)]
pub struct Tally {
    /// From its begin to its end, the warm-up included.
    pub all: Counts,
    /// Answered inside the window.
    pub window: Counts,
    /// Requests of an open load that could not be sent at all.
    pub never_sent: u64,
    /// Latencies of the window, microseconds.
    micros: Histogram<u64>,
}

impl Tally {
    /// Of nothing yet.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> anyhow::Result<Self> {
        let micros = Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).context("the histogram")?;
        Ok(Self { all: Counts::default(), window: Counts::default(), never_sent: 0, micros })
    }

    /// Counts one request; `took` only when its time is to be counted.
    pub fn count(&mut self, outcome: Outcome, in_window: bool, took: Option<Duration>) {
        self.all.add(outcome);
        if in_window {
            self.window.add(outcome);
        }
        if let Some(took) = took {
            self.time(took);
        }
    }

    /// Counts a request that was not sent for so long.
    pub fn never_sent(&mut self, late: Duration) {
        self.never_sent += 1;
        self.time(late);
    }

    fn time(&mut self, took: Duration) {
        self.micros.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    /// The latency that so many percent of all are below, milliseconds.
    #[must_use]
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        millis(self.micros.value_at_percentile(percent))
    }

    /// The longest latency, milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> f64 {
        millis(self.micros.max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_window_is_measured_and_everything_is_counted() {
        let mut tally = Tally::new().unwrap();
        tally.count(Outcome::Good, false, None);
        tally.count(Outcome::Good, true, Some(Duration::from_millis(2)));
        tally.count(Outcome::Refused, true, Some(Duration::from_millis(4)));
        tally.count(Outcome::Unknown, false, None);
        assert_eq!(tally.all, Counts { good: 2, refused: 1, wrong: 0, unknown: 1 });
        assert_eq!(tally.window, Counts { good: 1, refused: 1, wrong: 0, unknown: 0 });
        assert!((tally.percentile_ms(50.0) - 2.0).abs() < 0.01);
        assert!((tally.max_ms() - 4.0).abs() < 0.01);
    }

    #[test]
    fn what_was_never_sent_is_as_late_as_it_could_be_told() {
        let mut tally = Tally::new().unwrap();
        tally.never_sent(Duration::from_secs(500));
        assert_eq!(tally.never_sent, 1);
        assert!(tally.max_ms() >= 120_000.0);
    }
}
