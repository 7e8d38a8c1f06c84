//! Counting: a batch of facts in one transaction. What is missing before them is asked for and counted in steps, so that a
//! hole of any length takes little memory.
//!
//! A step ends with a whole commit, and leaves the place in the stream where it was. Whoever goes on after a crash reads the same
//! batch again, drops what was counted, and finds what is left of the hole.

use std::collections::HashMap;

use bus::rpc::CallError;
use flow_rollup::{Fact, Fold, Hole, Place, Reached, holes};

use crate::events;
use crate::runner::Runner;
use crate::store::{Progress, Store, StoreError};

/// Facts that are worth a transaction before their hole is filled.
const STEP_FACTS: usize = 10_000;

/// A batch was not counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CountError {
    /// The numbers cannot be kept, or another aggregator is further.
    #[error("the numbers cannot be kept: {0}")]
    Store(#[from] StoreError),
    /// Facts are missing, and no runner tells them.
    #[error("missing events cannot be had: {0}")]
    Missing(#[from] CallError),
}

/// Counts batches, one after the other.
pub(crate) struct Counter {
    store: Store,
    runner: Runner,
    progress: Progress,
    reached: HashMap<u32, Reached>,
}

impl Counter {
    /// Goes on from where the numbers stand.
    pub async fn resume(store: Store, runner: Runner) -> Result<Self, CountError> {
        // In this order: an aggregator that moves on in between is noticed at the first batch.
        let progress = store.progress().await?;
        let reached = store.reached().await?;
        Ok(Self { store, runner, progress, reached })
    }

    /// How far the stream is counted.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Counts facts that stand in the stream up to `to`.
    pub async fn count(&mut self, to: Progress, mut facts: Vec<Fact>) -> Result<(), CountError> {
        facts.sort_by_key(|fact| (fact.partition, fact.place));
        let mut complete = Vec::new();
        for hole in holes(&self.reached, &facts) {
            let behind = (hole.partition, hole.before);
            let before = facts.partition_point(|fact| (fact.partition, fact.place.commit_no) < behind);
            complete.extend(facts.drain(..before));
            self.fill(hole, &mut complete).await?;
        }
        complete.extend(facts);
        self.keep(to, &complete).await
    }

    /// Counts facts before which nothing is missing, each partition's in the order of its places.
    async fn keep(&mut self, to: Progress, facts: &[Fact]) -> Result<(), CountError> {
        let mut fold = Fold::from(self.reached.clone());
        for fact in facts {
            fold.add(fact);
        }
        metrics::counter!("turnloom_metrics_events_repeated_total").increment(fold.repeated());
        let reached = fold.reached().clone();
        self.store.count(self.progress, to, fold).await?;
        (self.progress, self.reached) = (to, reached);
        Ok(())
    }

    /// Counts what partitions have committed and no event of the stream has told since the last time that this was
    /// asked. `lagging` holds what was missing then, and is brought up to date.
    pub async fn catch_up(&mut self, lagging: &mut HashMap<u32, u64>) -> Result<(), CountError> {
        let commits = self.runner.commits().await?;
        let counted =
            |partition: &u32| self.reached.get(partition).map_or(0, |reached| reached.place.commit_no);
        let behind: HashMap<u32, u64> = commits
            .iter()
            .map(|(partition, commit_no)| (*partition, *commit_no, counted(partition)))
            .filter(|(_, commit_no, counted)| commit_no > counted)
            .map(|(partition, _, counted)| (partition, counted))
            .collect();
        // Events take their time; one that stands where it stood is not on its way.
        let stuck = behind.iter().filter(|(partition, counted)| lagging.get(partition) == Some(counted));
        let stuck: Vec<Hole> = stuck
            .filter_map(|(partition, counted)| {
                let before = commits.get(partition)? + 1;
                Some(Hole { partition: *partition, after: *counted, before })
            })
            .collect();
        *lagging = behind;
        for hole in stuck {
            let mut complete = Vec::new();
            self.fill(hole, &mut complete).await?;
            self.keep(self.progress, &complete).await?;
        }
        Ok(())
    }

    /// Asks the runner for what the stream does not have, and puts it behind what is `complete` before it. Counts whole
    /// commits on the way when there is much.
    async fn fill(&mut self, hole: Hole, complete: &mut Vec<Fact>) -> Result<(), CountError> {
        let known = self.reached.get(&hole.partition).map(|reached| reached.place).unwrap_or_default();
        let whole = Place { commit_no: hole.after, index: u32::MAX - 1 };
        let mut after = if known.commit_no == hole.after { known } else { whole };
        let mut filled = 0;
        loop {
            let answer = self.runner.events(hole.partition, after, hole.before).await?;
            let read = answer.events.iter().flat_map(|event| events::read(&event.subject, &event.payload));
            let mut read: Vec<Fact> = read.collect();
            read.sort_by_key(|fact| fact.place);
            filled += read.len();
            let last = read.last().map(|fact| fact.place);
            complete.append(&mut read);
            let Some(last) = last.filter(|last| answer.more && *last > after) else { break };
            after = last;
            if complete.len() >= STEP_FACTS {
                // Of the last commit more may come. It counts as told once something of it is counted, and behind a commit that is
                // told nobody looks for a hole.
                let begun =
                    |fact: &Fact| fact.partition == hole.partition && fact.place.commit_no == last.commit_no;
                let whole = complete.iter().position(begun).unwrap_or(complete.len());
                let begun = complete.split_off(whole);
                if whole > 0 {
                    self.keep(self.progress, complete).await?;
                }
                *complete = begun;
            }
        }
        tracing::warn!(
            hole.partition,
            hole.after,
            hole.before,
            filled,
            "the stream misses events; they were asked for again"
        );
        metrics::counter!("turnloom_metrics_holes_total").increment(1);
        Ok(())
    }
}
