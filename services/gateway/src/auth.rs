//! Who calls: from the text of a key to its holder.
//!
//! An answer of the database counts for a second, so that a revoked key is refused within a second everywhere. While
//! the database cannot be asked, a key that was good in the last minute goes on being good.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use crate::key::ApiKey;
use crate::store::{KeyHolder, Store, StoreError};

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(1);
/// How long a known key is good while the database is away.
const STALE: Duration = Duration::from_mins(1);
/// Keys that are remembered, good or not.
const KEYS_MAX: u64 = 10_000;
/// How long the database is waited for when the key was good in the last minute.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a key is known by: the SHA-256 of its text.
pub(crate) type Hash = [u8; 32];

/// A caller is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// There is no such key, or not any more.
    #[error("the key is not valid")]
    Invalid,
    /// It cannot be known.
    #[error("keys cannot be checked")]
    Unavailable(#[source] Arc<StoreError>),
}

/// Checks keys. Clones share what is remembered.
#[derive(Clone)]
pub(crate) struct Authenticator {
    store: Store,
    fresh: Cache<Hash, Option<KeyHolder>>,
    known: Cache<Hash, KeyHolder>,
}

impl Authenticator {
    /// Remembers nothing yet.
    pub fn new(store: Store) -> Self {
        let fresh = Cache::builder().max_capacity(KEYS_MAX).time_to_live(FRESH).build();
        let known = Cache::builder().max_capacity(KEYS_MAX).time_to_live(STALE).build();
        Self { store, fresh, known }
    }

    /// The holder of this key, and what the key is known by.
    pub async fn holder(&self, text: &str) -> Result<(Hash, KeyHolder), AuthError> {
        let key = ApiKey::parse(text).map_err(|_| AuthError::Invalid)?;
        let hash = key.sha256();
        let known = self.known.get(&hash).await;
        let asking = self.fresh.try_get_with(hash, self.ask(hash));
        let answer = match known {
            None => asking.await.map_err(AuthError::Unavailable)?,
            Some(known) => {
                if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, asking).await {
                    answer
                } else {
                    metrics::counter!("turnloom_gateway_keys_unchecked_total").increment(1);
                    Some(known)
                }
            }
        };
        answer.map(|holder| (hash, holder)).ok_or(AuthError::Invalid)
    }

    async fn ask(&self, hash: Hash) -> Result<Option<KeyHolder>, StoreError> {
        let answer = self.store.holder(&hash).await?;
        match answer {
            Some(holder) => self.known.insert(hash, holder).await,
            None => self.known.invalidate(&hash).await,
        }
        Ok(answer)
    }
}
