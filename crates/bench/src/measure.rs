//! A load with everything that is measured beside it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::http::Target;
use crate::load::{Load, Plan, Script, Tally};
use crate::number::{each, real};
use crate::progress;
use crate::usage::{self, Kind, Memory, Usage};

/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What was measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What the load counted.
    pub tally: Tally,
    /// What was used in the window.
    pub used: Usage,
    /// How long the window was.
    pub window: Duration,
    /// Memory at its end.
    pub memory: BTreeMap<Kind, Memory>,
}

impl Measured {
    /// Requests a second that were answered as asked.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        real(self.tally.window.good) / self.window.as_secs_f64().max(0.001)
    }

    /// CPU time of the product for each of them, microseconds.
    #[must_use]
    pub fn cpu_each(&self) -> f64 {
        self.of_each(self.used.sum().cpu_micros)
    }

    /// A sum divided among the requests of the window.
    #[must_use]
    pub fn of_each(&self, sum: u64) -> f64 {
        each(real(sum), self.tally.window.good)
    }
}

/// What a load sends, to whom.
pub struct Work<'a, S> {
    /// What it is called while it runs.
    pub label: &'a str,
    /// To whom.
    pub target: &'a Target,
    /// The product's processes.
    pub roots: Vec<u32>,
    /// The `Prefer` header.
    pub prefer: Option<&'a str>,
    /// When.
    pub plan: Plan,
    /// What, by connection.
    pub scripts: Vec<S>,
}

/// Runs a load, and measures the product in its window.
///
/// # Errors
/// When the load cannot be run.
pub async fn run<S: Script + 'static>(work: Work<'_, S>) -> anyhow::Result<(Measured, Vec<S>)> {
    let Work { label, target, roots, prefer, plan, scripts } = work;
    let load = Load::begin(target, prefer, plan, scripts)?;
    watch(label, &load, load.begun + plan.warm_up).await;
    let (before, from) = (Usage::now(&roots), Instant::now());
    watch(label, &load, load.begun + plan.warm_up + plan.window).await;
    let (used, window) = (Usage::now(&roots).since(&before), from.elapsed());
    let memory = usage::memory(&roots);
    let (tally, scripts) = load.end().await?;
    Ok((Measured { tally, used, window, memory }, scripts))
}

/// Says how far a load is until this moment, or until it is over.
async fn watch<S: Script + 'static>(label: &str, load: &Load<S>, until: Instant) {
    let (mut said_at, mut said) = (Instant::now(), load.answered());
    while !load.is_over() && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
        let elapsed = said_at.elapsed();
        if elapsed >= SAY_EVERY {
            let answered = load.answered();
            let per_second = real(answered - said) / elapsed.as_secs_f64();
            let seconds = load.begun.elapsed().as_secs();
            progress::say(&format!("{label}: {seconds} s, {answered} answered, {per_second:.0}/s"));
            (said_at, said) = (Instant::now(), answered);
        }
    }
}
