//! Who calls: from the text of a key to its holder.
//!
//! An answer of the database counts for less than a second, so that a revoked key is refused within a second everywhere. While
//! the database cannot be asked, a key that was good in the last minute goes on being good.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use flow_model::AccountId;
use moka::future::Cache;
use platform::clock;

use crate::key::ApiKey;
use crate::store::{KeyHolder, Store, StoreError};
use crate::uses::Uses;

/// How long an answer counts, so that with the time that it takes to ask a revoked key is refused within a second.
const FRESH: Duration = Duration::from_millis(900);
/// How long a known key is good while the database is away.
const STALE: Duration = Duration::from_mins(1);
/// Keys that are remembered, good or not.
const KEYS_MAX: u64 = 10_000;
/// How long the database is waited for when the key was good in the last minute.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a key is known by: the SHA-256 of its text.
type Hash = [u8; 32];

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

/// The holder of a credential that was checked. Only [`Authenticator`] makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verified(KeyHolder);

impl Verified {
    /// The account of the credential.
    pub fn account(&self) -> Account {
        Account(self.0.account)
    }
}

impl Deref for Verified {
    type Target = KeyHolder;

    fn deref(&self) -> &KeyHolder {
        &self.0
    }
}

/// The account of a credential that was checked: nothing else makes one, so what takes one cannot be asked for an account that
/// somebody has only named. Requests to other services take one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account(AccountId);

impl Deref for Account {
    type Target = AccountId;

    fn deref(&self) -> &AccountId {
        &self.0
    }
}

/// Checks keys. Clones share what is remembered.
#[derive(Clone)]
pub(crate) struct Authenticator {
    store: Store,
    uses: Uses,
    fresh: Cache<Hash, Option<KeyHolder>>,
    known: Cache<Hash, KeyHolder>,
}

impl Authenticator {
    /// Remembers nothing yet. Notes when keys are used.
    pub fn new(store: Store, uses: Uses) -> Self {
        let fresh = Cache::builder().max_capacity(KEYS_MAX).time_to_live(FRESH).build();
        let known = Cache::builder().max_capacity(KEYS_MAX).time_to_live(STALE).build();
        Self { store, uses, fresh, known }
    }

    /// The holder of this key.
    pub async fn holder(&self, text: &str) -> Result<Verified, AuthError> {
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
        answer.map(Verified).ok_or(AuthError::Invalid)
    }

    async fn ask(&self, hash: Hash) -> Result<Option<KeyHolder>, StoreError> {
        let answer = self.store.holder(&hash).await?;
        match answer {
            Some(holder) => {
                self.uses.note(holder.key, clock::now());
                self.known.insert(hash, holder).await;
            }
            None => self.known.invalidate(&hash).await,
        }
        Ok(answer)
    }
}
