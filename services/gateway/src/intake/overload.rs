//! When an input is refused because those before it wait too long.
//!
//! Two rules, both by what waits unhandled: nothing more comes into a partition whose oldest input is older than one
//! setting, and accounts get equal shares while the oldest input of their group is older than another. What waits is
//! told by `watch`; here is only what follows from it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use flow_model::AccountId;

use super::fairness::Window;

/// From when on inputs are refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Age of a partition's oldest input, milliseconds, above which it takes no more.
    pub oldest_input_max_ms: i64,
    /// Age of a group's oldest input, milliseconds, above which accounts get equal shares.
    pub fair_after_ms: i64,
}

impl Rules {
    /// What is younger changes nothing, milliseconds.
    pub fn unremarkable_ms(self) -> i64 {
        self.oldest_input_max_ms.min(self.fair_after_ms)
    }
}

/// What waits in a group, as far as it is known: when the oldest was stored, Unix milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Backlog {
    /// Nothing, or nothing that is old.
    #[default]
    Unremarkable,
    /// Something is old, and nobody says of which partition: it counts for all.
    Somewhere(i64),
    /// Of each partition that has something.
    Of(HashMap<u32, i64>),
}

impl Backlog {
    fn of_partition(&self, partition: u32) -> Option<i64> {
        match self {
            Self::Unremarkable => None,
            Self::Somewhere(at) => Some(*at),
            Self::Of(oldest) => oldest.get(&partition).copied(),
        }
    }

    fn of_group(&self) -> Option<i64> {
        match self {
            Self::Unremarkable => None,
            Self::Somewhere(at) => Some(*at),
            Self::Of(oldest) => oldest.values().copied().min(),
        }
    }
}

/// Why an input is refused; nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The oldest input of its partition waits so long, milliseconds.
    Overloaded(i64),
    /// Others wait so long, milliseconds, and its account had more than its share.
    OverShare(i64),
}

/// Lets inputs into the groups' streams, or not.
pub(super) struct Door {
    rules: Rules,
    groups: Vec<Group>,
}

#[derive(Default)]
struct Group {
    backlog: RwLock<Backlog>,
    window: Mutex<Window>,
}

impl Door {
    /// Knows of no backlog yet.
    pub fn new(rules: Rules, groups: u32) -> Self {
        Self { rules, groups: (0..groups).map(|_| Group::default()).collect() }
    }

    /// The rules.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// What waits in a group from now on.
    pub fn set_backlog(&self, group: usize, backlog: Backlog) {
        if let Some(group) = self.groups.get(group) {
            *group.backlog.write().unwrap_or_else(PoisonError::into_inner) = backlog;
        }
    }

    /// Whether a partition takes no more.
    pub fn is_overloaded(&self, group: usize, partition: u32, now_ms: i64) -> bool {
        self.groups.get(group).is_some_and(|group| self.overloaded_for(group, partition, now_ms).is_some())
    }

    /// Lets an input of an account into a partition, or says why not.
    pub fn admit(
        &self,
        group: usize,
        partition: u32,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let Some(group) = self.groups.get(group) else { return Ok(()) };
        if let Some(waited_ms) = self.overloaded_for(group, partition, now_ms) {
            return Err(Refusal::Overloaded(waited_ms));
        }
        let oldest = group.backlog.read().unwrap_or_else(PoisonError::into_inner).of_group();
        let waited_ms = oldest.map_or(0, |at| now_ms - at);
        let contended = waited_ms > self.rules.fair_after_ms;
        let mut window = group.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.admit(account, contended, now_ms) { Ok(()) } else { Err(Refusal::OverShare(waited_ms)) }
    }

    /// How long the oldest input of a partition waits, milliseconds, when that is too long.
    fn overloaded_for(&self, group: &Group, partition: u32, now_ms: i64) -> Option<i64> {
        let oldest = group.backlog.read().unwrap_or_else(PoisonError::into_inner).of_partition(partition)?;
        let waited_ms = now_ms - oldest;
        (waited_ms > self.rules.oldest_input_max_ms).then_some(waited_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { oldest_input_max_ms: 600_000, fair_after_ms: 30_000 };

    fn door(backlog: Backlog) -> Door {
        let door = Door::new(RULES, 2);
        door.set_backlog(0, backlog);
        door
    }

    #[test]
    fn a_partition_is_closed_when_its_oldest_input_is_older_than_the_setting() {
        let of = |oldest: &[(u32, i64)]| Backlog::Of(oldest.iter().copied().collect());
        let now_ms = 1_000_000;
        for (backlog, partition, refused) in [
            (Backlog::Unremarkable, 0, None),
            (Backlog::Somewhere(400_000), 0, None),
            (Backlog::Somewhere(399_999), 0, Some(600_001)),
            (Backlog::Somewhere(0), 2, Some(1_000_000)),
            (of(&[(0, 0), (2, 900_000)]), 0, Some(1_000_000)),
            (of(&[(0, 0), (2, 900_000)]), 2, None),
            (of(&[(0, 0), (2, 900_000)]), 4, None),
        ] {
            let door = door(backlog.clone());
            let admitted = door.admit(0, partition, AccountId::named("a"), now_ms);
            assert_eq!(admitted.err(), refused.map(Refusal::Overloaded), "{backlog:?} {partition}");
            assert_eq!(
                door.is_overloaded(0, partition, now_ms),
                refused.is_some(),
                "{backlog:?} {partition}"
            );
            assert_eq!(door.admit(1, partition, AccountId::named("a"), now_ms), Ok(()), "another group");
        }
    }

    #[test]
    fn shares_count_when_anything_of_the_group_is_older_than_the_setting() {
        let (one, other) = (AccountId::named("one"), AccountId::named("other"));
        for (oldest, contended) in [(1_000_000, false), (970_000, false), (969_999, true)] {
            let door = door(Backlog::Of(HashMap::from([(2, oldest)])));
            door.set_backlog(0, Backlog::Unremarkable);
            for _ in 0..10 {
                assert_eq!(door.admit(0, 0, one, 1_000_000), Ok(()));
            }
            door.set_backlog(0, Backlog::Of(HashMap::from([(2, oldest)])));
            assert_eq!(door.admit(0, 0, other, 1_000_000), Ok(()));
            let again = door.admit(0, 0, one, 1_000_000);
            assert_eq!(again == Err(Refusal::OverShare(1_000_000 - oldest)), contended, "{oldest}");
        }
    }
}
