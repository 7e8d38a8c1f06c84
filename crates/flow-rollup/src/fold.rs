//! The fold: facts in, bucket changes out, each fact counted once.
//!
//! The facts of a partition come in the order of (`commit_no`, `index`); one that is not newer than the last
//! that was counted is a repetition and is dropped. Commits have no hole, so a step of more than one says that facts
//! are missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use crate::bucket::{Bucket, BucketKey, Visit, quarter_of};
use crate::usage::AiUsage;

/// Where a fact stands in its partition's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The partition's commit.
    pub commit_no: u64,
    /// The event's number in that commit.
    pub index: u32,
}

/// How far a partition is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// The last fact that was counted.
    pub place: Place,
    /// When what it tells happened, Unix milliseconds.
    pub at_ms: i64,
}

/// Something that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The partition that tells it.
    pub partition: u32,
    /// Its place there.
    pub place: Place,
    /// When it happened, Unix milliseconds.
    pub at_ms: i64,
    /// What it adds to, with any time inside the quarter; none when it counts nowhere (an ignored message).
    pub of: Option<BucketKey>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A message came in.
    MessageReceived,
    /// A reply went out.
    MessageSent,
    /// An execution is over.
    Completed {
        /// Whose it was, by [`crate::bucket::customer_key`].
        customer: Uuid,
        /// Whether it failed.
        failed: bool,
        /// How long it took, milliseconds.
        duration_ms: i64,
        /// What its AI answers took.
        ai: AiUsage,
    },
    /// Something that no number counts.
    Other,
}

/// A batch being folded.
#[derive(Debug, Default)]
pub struct Fold {
    before: HashMap<u32, Reached>,
    reached: HashMap<u32, Reached>,
    changes: BTreeMap<BucketKey, Bucket>,
    visits: BTreeSet<Visit>,
    repeated: u64,
}

impl Fold {
    /// Goes on from the places that earlier batches reached.
    #[must_use]
    pub fn from(reached: HashMap<u32, Reached>) -> Self {
        Self { before: reached.clone(), reached, ..Self::default() }
    }

    /// Counts a fact, unless it was counted before.
    pub fn add(&mut self, fact: &Fact) {
        let reached = self.reached.entry(fact.partition).or_default();
        if reached.place >= fact.place {
            self.repeated += 1;
            return;
        }
        *reached = Reached { place: fact.place, at_ms: reached.at_ms.max(fact.at_ms) };
        let Some(key) = fact.of else { return };
        let key = BucketKey { quarter_ms: quarter_of(key.quarter_ms), ..key };
        let mut change = Bucket::default();
        match fact.what {
            What::MessageReceived => change.messages_received = 1,
            What::MessageSent => change.messages_sent = 1,
            What::Completed { customer, failed, duration_ms, ai } => {
                change.succeeded = i64::from(!failed);
                change.failed = i64::from(failed);
                change.duration_ms = duration_ms;
                change.durations.add(duration_ms);
                change.ai = ai;
                self.visits.insert(Visit { workflow: key.workflow, quarter_ms: key.quarter_ms, customer });
            }
            What::Other => return,
        }
        self.changes.entry(key).or_default().add(&change);
    }

    /// How far each partition is folded now.
    #[must_use]
    pub fn reached(&self) -> &HashMap<u32, Reached> {
        &self.reached
    }

    /// The partitions of which the batch had something new, and how far each of them is folded now.
    pub fn moved(&self) -> impl Iterator<Item = (u32, Reached)> + '_ {
        let all = self.reached.iter().map(|(partition, reached)| (*partition, *reached));
        all.filter(|(partition, reached)| self.before.get(partition) != Some(reached))
    }

    /// What the batch adds to each bucket.
    #[must_use]
    pub fn changes(&self) -> &BTreeMap<BucketKey, Bucket> {
        &self.changes
    }

    /// Who was there; some may have been seen by earlier batches.
    #[must_use]
    pub fn visits(&self) -> &BTreeSet<Visit> {
        &self.visits
    }

    /// Facts that had been counted before.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }
}

/// Commits of one partition that were not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// Whose.
    pub partition: u32,
    /// The commit before the first that is missing.
    pub after: u64,
    /// The first commit that is there again.
    pub before: u64,
}

/// What is missing between what is counted and these facts, and among them.
#[must_use]
#[expect(clippy::implicit_hasher, reason = "the map is the one that the fold keeps")]
pub fn holes(reached: &HashMap<u32, Reached>, facts: &[Fact]) -> Vec<Hole> {
    let mut last: HashMap<u32, u64> =
        reached.iter().map(|(partition, reached)| (*partition, reached.place.commit_no)).collect();
    let mut holes = Vec::new();
    for fact in facts {
        let last = last.entry(fact.partition).or_default();
        if fact.place.commit_no > *last + 1 {
            holes.push(Hole { partition: fact.partition, after: *last, before: fact.place.commit_no });
        }
        *last = fact.place.commit_no.max(*last);
    }
    holes
}

#[cfg(test)]
mod tests {
    use flow_model::{AccountId, Channel, WorkflowId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::bucket::customer_key;

    fn fact(partition: u32, commit_no: u64, index: u32, what: What) -> Fact {
        let of = BucketKey {
            account: AccountId::named("a"),
            workflow: WorkflowId::new(Uuid::from_u128(1)),
            channel: Channel::Web,
            quarter_ms: 1_000_000 * i64::try_from(commit_no).unwrap(),
        };
        let at_ms = of.quarter_ms;
        Fact { partition, place: Place { commit_no, index }, at_ms, of: Some(of), what }
    }

    fn completed(commit_no: u64) -> What {
        let number = i64::try_from(commit_no).unwrap();
        let ai = AiUsage {
            answers: number % 2,
            fallbacks: 1,
            prompt_tokens: 100 * number,
            completion_tokens: number,
            cost_micros: 7 * number,
        };
        What::Completed {
            customer: customer_key("ann"),
            failed: commit_no.is_multiple_of(3),
            duration_ms: 2,
            ai,
        }
    }

    fn totals(fold: &Fold) -> Bucket {
        let mut total = Bucket::default();
        fold.changes().values().for_each(|bucket| total.add(bucket));
        total
    }

    proptest! {
        #[test]
        fn publishing_again_from_any_place_changes_no_number(
            commits in 1_u64..20, again_from in 1_u64..20, split in 0_usize..60
        ) {
            let facts: Vec<Fact> = (1..=commits)
                .flat_map(|commit_no| {
                    [
                        fact(3, commit_no, 0, What::MessageReceived),
                        fact(3, commit_no, 1, What::MessageSent),
                        fact(3, commit_no, 2, completed(commit_no)),
                    ]
                })
                .collect();
            let mut once = Fold::default();
            for fact in &facts {
                once.add(fact);
            }
            let mut twice = Fold::default();
            for fact in &facts[..split.min(facts.len())] {
                twice.add(fact);
            }
            for fact in facts.iter().filter(|fact| fact.place.commit_no >= again_from.min(split as u64 / 3 + 1)) {
                twice.add(fact);
            }
            prop_assert_eq!(totals(&once), totals(&twice));
            prop_assert_eq!(once.reached(), twice.reached());
            prop_assert_eq!(once.visits(), twice.visits());
        }
    }

    #[test]
    fn what_ai_answers_took_is_summed() {
        let mut fold = Fold::default();
        for commit_no in 1..=3 {
            fold.add(&fact(0, commit_no, 0, completed(commit_no)));
        }
        let ai = totals(&fold).ai;
        let sums = [ai.answers, ai.fallbacks, ai.prompt_tokens, ai.completion_tokens, ai.cost_micros];
        assert_eq!(sums, [2, 3, 600, 6, 42]);
    }

    #[test]
    fn times_are_gathered_by_quarter() {
        let mut fold = Fold::default();
        fold.add(&fact(0, 1, 0, What::MessageReceived));
        assert!(fold.changes().keys().all(|key| key.quarter_ms % crate::QUARTER_MS == 0));
    }

    #[test]
    fn a_step_of_more_than_one_commit_is_a_hole() {
        let facts = [1, 1, 2, 4, 4, 2, 5, 8].map(|commit_no| fact(7, commit_no, 0, What::Other));
        let hole = |after, before| Hole { partition: 7, after, before };
        assert_eq!(holes(&HashMap::new(), &facts), [hole(2, 4), hole(5, 8)]);
        let reached = HashMap::from([(7, Reached { place: Place { commit_no: 5, index: 9 }, at_ms: 0 })]);
        assert_eq!(holes(&reached, &facts), [hole(5, 8)]);
    }
}
