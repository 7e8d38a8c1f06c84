//! What was found while something was done to the product: times beside their targets, what else was seen, what was wrong.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// Problems that are shown.
const PROBLEMS_SHOWN: usize = 12;
/// Characters of one that are shown.
const PROBLEM_CHARS_MAX: usize = 600;

/// Whether the promises were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They were.
    #[default]
    Held,
    /// They were not.
    Broken,
    /// It cannot be done on this machine.
    Skipped,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Held => "held",
            Self::Broken => "BROKEN",
            Self::Skipped => "skipped",
        })
    }
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

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Findings {
    /// Times and their targets.
    pub times: Vec<Timed>,
    /// What else was seen.
    pub notes: Vec<String>,
    /// What was wrong.
    pub problems: Vec<String>,
    /// The result.
    pub verdict: Verdict,
}

impl Findings {
    /// Notes a time beside its target.
    pub fn time(&mut self, what: impl Into<String>, took: Duration, target: Duration) {
        let (took_ms, target_ms) = (took.as_millis(), target.as_millis());
        self.times.push(Timed { what: what.into(), took_ms, target_ms });
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

    /// Judges what was found; what cannot be done here stays so unless something was wrong with it.
    pub fn judge(&mut self) {
        if !self.problems.is_empty() {
            self.verdict = Verdict::Broken;
        }
    }

    /// The problems that are shown, and how many more there are.
    #[must_use]
    pub fn shown_problems(&self) -> Vec<String> {
        let more = self.problems.len().saturating_sub(PROBLEMS_SHOWN);
        let short = |problem: &String| problem.chars().take(PROBLEM_CHARS_MAX).collect();
        let shown = self.problems.iter().take(PROBLEMS_SHOWN).map(short);
        shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
    }

    /// Times, with the targets that were missed, and notes, in one line; `shown` writes a time in milliseconds.
    #[must_use]
    pub fn seen(&self, shown: impl Fn(u128) -> String) -> String {
        let times = self.times.iter().map(|timed| {
            let missed = timed.took_ms > timed.target_ms;
            let target = if missed { format!(" (target {})", shown(timed.target_ms)) } else { String::new() };
            format!("{} {}{target}", timed.what, shown(timed.took_ms))
        });
        times.chain(self.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_breaks_and_a_missed_time_does_not() {
        let mut found = Findings::default();
        found.time("slow", Duration::from_secs(9), Duration::from_secs(1));
        found.must(true, || "nothing".to_owned());
        found.judge();
        assert_eq!(found.verdict, Verdict::Held);
        assert_eq!(found.seen(|ms| format!("{ms}")), "slow 9000 (target 1000)");
        (0..20).for_each(|n| found.problem(n.to_string()));
        found.judge();
        assert_eq!(found.verdict, Verdict::Broken);
        assert_eq!(found.shown_problems().last().map(String::as_str), Some("and 8 more"));
    }

    #[test]
    fn what_cannot_be_done_here_is_not_broken_by_that() {
        let mut found = Findings { verdict: Verdict::Skipped, ..Findings::default() };
        found.judge();
        assert_eq!(found.verdict, Verdict::Skipped);
        found.problem("it went wrong before");
        found.judge();
        assert_eq!(found.verdict, Verdict::Broken);
    }
}
