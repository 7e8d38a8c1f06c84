//! What came of one fault: a row of the table.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use serde::Serialize;

use crate::fault::Fault;
use crate::findings::{Findings, Verdict};

/// What came of one fault.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Which.
    pub fault: Fault,
    /// What was done, in a few words.
    pub what: String,
    /// What everything random came from.
    pub seed: u64,
    /// How long all of it took, milliseconds.
    pub took_ms: u128,
    /// Messages that were acknowledged.
    pub messages: usize,
    /// Of these without an execution.
    pub lost: usize,
    /// Executions beyond the first of a message.
    pub twice: usize,
    /// Executions and replies that stand before an earlier one of their customer.
    pub out_of_order: usize,
    /// Replies and events that were sent more than once.
    pub sent_again: usize,
    /// From the death of a runner until each of its partitions had another one, milliseconds, in ascending order.
    pub take_over_ms: Vec<u128>,
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Deref for Row {
    type Target = Findings;

    fn deref(&self) -> &Findings {
        &self.findings
    }
}

impl DerefMut for Row {
    fn deref_mut(&mut self) -> &mut Findings {
        &mut self.findings
    }
}

impl Row {
    /// A row of a fault that has only begun.
    pub fn new(fault: Fault, seed: u64) -> Self {
        Self {
            fault,
            what: fault.does().to_owned(),
            seed,
            took_ms: 0,
            messages: 0,
            lost: 0,
            twice: 0,
            out_of_order: 0,
            sent_again: 0,
            take_over_ms: Vec::new(),
            findings: Findings::default(),
        }
    }

    /// Judges what was found.
    pub fn judge(&mut self) {
        let counts = self.lost + self.twice + self.out_of_order;
        if self.verdict == Verdict::Held && counts > 0 {
            self.verdict = Verdict::Broken;
        }
        self.findings.judge();
        self.take_over_ms.sort_unstable();
    }
}

/// The value below which so many of a hundred lie, of values in ascending order.
pub fn percentile(sorted: &[u128], percent: usize) -> Option<u128> {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied()
}

/// The same of durations in any order.
pub fn percentile_of(took: &[Duration], percent: usize) -> Duration {
    let mut sorted: Vec<u128> = took.iter().map(Duration::as_micros).collect();
    sorted.sort_unstable();
    let micros = percentile(&sorted, percent).unwrap_or(0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<u128> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 99), Some(99));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_wrong_count_breaks_and_a_missed_time_does_not() {
        let mut row = Row::new(Fault::R1, 7);
        row.time("slow", Duration::from_secs(9), Duration::from_secs(1));
        row.judge();
        assert_eq!(row.verdict, Verdict::Held);
        row.twice = 1;
        row.judge();
        assert_eq!(row.verdict, Verdict::Broken);
    }
}
