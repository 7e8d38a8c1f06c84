//! How many tails there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flow_model::AccountId;

/// Tails of one account at once.
const OF_ACCOUNT_MAX: usize = 10;

/// There are enough tails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    /// In this process.
    #[error("This gateway serves no more than {0} live tails")]
    Here(usize),
    /// Of the account.
    #[error("An account may have {0} live tails at once")]
    OfAccount(usize),
}

/// The places of all tails. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    taken: Arc<Mutex<HashMap<AccountId, usize>>>,
    most: usize,
}

impl Slots {
    /// So many.
    pub fn new(most: usize) -> Self {
        Self { taken: Arc::default(), most }
    }

    /// Takes one.
    pub fn take(&self, account: AccountId) -> Result<Slot, TooMany> {
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        if all >= self.most {
            return Err(TooMany::Here(self.most));
        }
        let of_account = taken.entry(account).or_default();
        if *of_account >= OF_ACCOUNT_MAX {
            return Err(TooMany::OfAccount(OF_ACCOUNT_MAX));
        }
        *of_account += 1;
        metrics::gauge!("turnloom_event_tails").increment(1.0);
        Ok(Slot { slots: self.clone(), account })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One tail's place. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    account: AccountId,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        if let Some(of_account) = taken.get_mut(&self.account) {
            *of_account -= 1;
            if *of_account == 0 {
                taken.remove(&self.account);
            }
        }
        metrics::gauge!("turnloom_event_tails").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_share_and_the_process_its_bound() {
        let slots = Slots::new(OF_ACCOUNT_MAX + 2);
        let take = |account| slots.take(AccountId::named(account));
        let mut of_one: Vec<Slot> = (0..OF_ACCOUNT_MAX).map(|_| take("one").unwrap()).collect();
        assert_eq!(take("one").unwrap_err(), TooMany::OfAccount(OF_ACCOUNT_MAX));
        let _of_two = [take("two").unwrap(), take("two").unwrap()];
        assert_eq!(take("two").unwrap_err(), TooMany::Here(OF_ACCOUNT_MAX + 2));
        of_one.pop();
        assert!(take("one").is_ok());
    }

    #[test]
    fn a_place_that_was_given_up_leaves_nothing_behind() {
        let slots = Slots::new(1);
        drop(slots.take(AccountId::named("one")).unwrap());
        assert!(slots.lock().is_empty());
    }
}
