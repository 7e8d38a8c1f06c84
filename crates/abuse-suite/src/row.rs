//! What came of one attack: a row of the table.

use std::time::Duration;

use serde::Serialize;

use crate::attack::Attack;

/// Problems that are shown.
const PROBLEMS_SHOWN: usize = 12;

/// Whether it bounced off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It did.
    Held,
    /// It did not.
    Broken,
    /// The attack cannot be made on this machine.
    Skipped,
}

/// A time beside its target. It is shown, and never decides.
#[derive(Debug, Clone, Serialize)]
pub struct Timed {
    /// What took so long.
    pub what: String,
    /// How long, milliseconds.
    pub took_ms: u128,
    /// How long it may take, milliseconds.
    pub target_ms: u128,
}

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
    /// Times and their targets.
    pub times: Vec<Timed>,
    /// What else was seen.
    pub notes: Vec<String>,
    /// What was wrong.
    pub problems: Vec<String>,
    /// The result.
    pub verdict: Verdict,
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
            times: Vec::new(),
            notes: Vec::new(),
            problems: Vec::new(),
            verdict: Verdict::Held,
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

    /// Notes a time beside its target.
    pub fn time(&mut self, what: impl Into<String>, took: Duration, target: Duration) {
        let (took_ms, target_ms) = (took.as_millis(), target.as_millis());
        self.times.push(Timed { what: what.into(), took_ms, target_ms });
    }

    /// Notes by how much memory grew, which may be so much.
    pub fn grew(&mut self, bytes: u64, most: u64) {
        self.grew_bytes = Some(self.grew_bytes.unwrap_or(0).max(bytes));
        self.must(bytes <= most, || {
            format!("the memory grew by {} MiB, more than {} MiB", bytes >> 20, most >> 20)
        });
    }

    /// Notes something that was seen.
    pub fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// Notes something that is wrong.
    pub fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }

    /// Notes something that is wrong unless it holds.
    pub fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.problem(what());
        }
    }

    /// Judges what was found.
    pub fn judge(&mut self) {
        if self.got_through > 0 || !self.problems.is_empty() {
            self.verdict = Verdict::Broken;
        }
    }

    /// The problems that are shown, and how many more there are.
    pub fn shown_problems(&self) -> Vec<String> {
        let more = self.problems.len().saturating_sub(PROBLEMS_SHOWN);
        let short = |problem: &String| problem.chars().take(600).collect();
        let shown = self.problems.iter().take(PROBLEMS_SHOWN).map(short);
        shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
    }
}

#[cfg(test)]
mod tests {
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
