//! The fold: facts in, bucket changes out, each fact counted once.
//!
//! The facts of a partition come in the order of (`commit_no`, `index`); one that is not newer than the last
//! that was counted is a repetition and is dropped.

use std::collections::{BTreeMap, HashMap};

use crate::bucket::{Bucket, BucketKey, quarter_of};

/// Where a fact stands in its partition's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The partition's commit.
    pub commit_no: u64,
    /// The event's number in that commit.
    pub index: u32,
}

/// Something that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The partition that tells it.
    pub partition: u32,
    /// Its place there.
    pub place: Place,
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
        /// Whether it failed.
        failed: bool,
        /// How long it took, milliseconds.
        duration_ms: i64,
    },
    /// Something that no number counts.
    Other,
}

/// A batch being folded.
#[derive(Debug, Default)]
pub struct Fold {
    reached: HashMap<u32, Place>,
    changes: BTreeMap<BucketKey, Bucket>,
    repeated: u64,
}

impl Fold {
    /// Goes on from the places that earlier batches reached.
    #[must_use]
    pub fn from(reached: HashMap<u32, Place>) -> Self {
        Self { reached, ..Self::default() }
    }

    /// Counts a fact, unless it was counted before.
    pub fn add(&mut self, fact: &Fact) {
        if self.reached.get(&fact.partition).is_some_and(|reached| *reached >= fact.place) {
            self.repeated += 1;
            return;
        }
        self.reached.insert(fact.partition, fact.place);
        let Some(key) = fact.of else { return };
        let mut change = Bucket::default();
        match fact.what {
            What::MessageReceived => change.messages_received = 1,
            What::MessageSent => change.messages_sent = 1,
            What::Completed { failed, duration_ms } => {
                change.succeeded = i64::from(!failed);
                change.failed = i64::from(failed);
                change.duration_ms = duration_ms;
            }
            What::Other => return,
        }
        let key = BucketKey { quarter_ms: quarter_of(key.quarter_ms), ..key };
        self.changes.entry(key).or_default().add(&change);
    }

    /// How far each partition is folded now.
    #[must_use]
    pub fn reached(&self) -> &HashMap<u32, Place> {
        &self.reached
    }

    /// What the batch adds to each bucket.
    #[must_use]
    pub fn changes(&self) -> &BTreeMap<BucketKey, Bucket> {
        &self.changes
    }

    /// Facts that had been counted before.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }
}

#[cfg(test)]
mod tests {
    use flow_model::{AccountId, Channel, WorkflowId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn fact(partition: u32, commit_no: u64, index: u32, what: What) -> Fact {
        let of = BucketKey {
            account: AccountId::named("a"),
            workflow: WorkflowId::new(Uuid::from_u128(1)),
            channel: Channel::Web,
            quarter_ms: 1_000_000 * i64::try_from(commit_no).unwrap(),
        };
        Fact { partition, place: Place { commit_no, index }, of: Some(of), what }
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
                        fact(3, commit_no, 2, What::Completed { failed: commit_no % 3 == 0, duration_ms: 2 }),
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
        }
    }

    #[test]
    fn times_are_gathered_by_quarter() {
        let mut fold = Fold::default();
        fold.add(&fact(0, 1, 0, What::MessageReceived));
        assert!(fold.changes().keys().all(|key| key.quarter_ms % crate::QUARTER_MS == 0));
    }
}
