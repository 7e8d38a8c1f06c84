//! When keys were last let in: noted when the database is asked about a key, which is once a second at most, and written now and
//! then, many keys at once. No request waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::store::Store;

/// How often what was noted is written. Of each key once a minute at most is.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// Keys whose use is noted at once; of others it is when they come again.
const KEYS_MAX: usize = 10_000;

/// Notes uses. Clones share what is noted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    noted: Arc<Mutex<HashMap<Uuid, DateTime<Utc>>>>,
}

impl Uses {
    /// A key was let in.
    pub fn note(&self, key: Uuid, now: DateTime<Utc>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < KEYS_MAX || noted.contains_key(&key) {
            noted.insert(key, now);
        }
    }

    /// Writes what was noted. What cannot be written is noted again when the key comes again.
    pub async fn write(&self, store: &Store) {
        let noted: Vec<_> = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.drain().collect()
        };
        if noted.is_empty() {
            return;
        }
        if let Err(error) = store.note_uses(noted).await {
            tracing::debug!(%error, "the last use of keys cannot be written");
        }
    }

    /// Goes on writing for ever.
    pub async fn keep(self, store: Store) {
        let mut ticks = tokio::time::interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.write(&store).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_use_of_a_key_counts_and_no_more_keys_than_fit_are_noted() {
        let uses = Uses::default();
        let time = |second| DateTime::<Utc>::from_timestamp(second, 0).unwrap();
        for key in 0..=KEYS_MAX {
            uses.note(Uuid::from_u128(key as u128), time(1));
        }
        uses.note(Uuid::from_u128(7), time(2));
        let noted = uses.noted.lock().unwrap();
        assert_eq!((noted.len(), noted.get(&Uuid::from_u128(7))), (KEYS_MAX, Some(&time(2))));
    }
}
