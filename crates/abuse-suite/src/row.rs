//! What came of one attack: a row of the table.

use std::ops::{Deref, DerefMut};

use fault_suite::findings::{Findings, Verdict};
use serde::Serialize;

use crate::attack::Attack;

/// What came of one attack.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Which.
    pub attack: Attack,
    /// What was tried, in a few words.
    pub what: String,
    /// What everything random came from.
    pub seed: u64,
    /// How often it was tried.
    pub tries: u64,
    /// How often it got through.
    pub got_through: u64,
    /// By how much the memory of a process grew at most meanwhile, bytes; none when that was not looked at.
    pub grew_bytes: Option<u64>,
    /// How long all of it took, milliseconds.
    pub took_ms: u128,
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
    /// A row of an attack that has only begun.
    pub fn new(attack: Attack, seed: u64) -> Self {
        Self {
            attack,
            what: attack.does().to_owned(),
            seed,
            tries: 0,
            got_through: 0,
            grew_bytes: None,
            took_ms: 0,
            findings: Findings::default(),
        }
    }

    /// Counts a try, which got through unless `bounced`; what it was is then told.
    pub fn tried(&mut self, bounced: bool, what: impl FnOnce() -> String) {
        self.tries += 1;
        if !bounced {
            self.got_through += 1;
            self.problems.push(what());
        }
    }

    /// Notes by how much memory grew, which may be so much.
    pub fn grew(&mut self, bytes: u64, most: u64) {
        self.grew_bytes = Some(self.grew_bytes.unwrap_or(0).max(bytes));
        self.must(bytes <= most, || {
            format!("the memory grew by {} MiB, more than {} MiB", bytes >> 20, most >> 20)
        });
    }

    /// Judges what was found.
    pub fn judge(&mut self) {
        if self.got_through > 0 {
            self.verdict = Verdict::Broken;
        }
        self.findings.judge();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_gets_through_breaks_a_row_and_a_missed_time_does_not() {
        let mut row = Row::new(Attack::S1, 7);
        row.time("slow", Duration::from_secs(9), Duration::from_secs(1));
        row.tried(true, || "nothing".to_owned());
        row.judge();
        assert_eq!((row.verdict, row.tries, row.got_through), (Verdict::Held, 1, 0));
        row.tried(false, || "it got in".to_owned());
        row.judge();
        assert_eq!((row.verdict, row.got_through), (Verdict::Broken, 1));
    }

    #[test]
    fn memory_is_kept_at_its_most() {
        let mut row = Row::new(Attack::S9, 7);
        row.grew(5 << 20, 32 << 20);
        row.grew(3 << 20, 32 << 20);
        assert_eq!((row.grew_bytes, row.problems.len()), (Some(5 << 20), 0));
        row.grew(33 << 20, 32 << 20);
        assert_eq!(row.problems.len(), 1);
    }
}
