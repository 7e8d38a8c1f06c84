//! Who calls: from the text of a key, or an access token of OAuth 2.0, to its holder.
//!
//! An answer of the database counts for less than a second, so that a revoked key is refused within a second everywhere. While
//! the database cannot be asked, a key that was good in the last minute goes on being good. The same holds of tokens: what they say
//! is signed, and whether their grant is live is asked. No token is good after its own end.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use flow_model::AccountId;
use moka::future::Cache;
use platform::clock;
use sha2::{Digest, Sha256};

use crate::key::ApiKey;
use crate::oauth::OAuth;
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

/// What a key or token is known by: the SHA-256 of its text.
type Hash = [u8; 32];

/// A caller is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// There is no such key or token, or not any more.
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
    oauth: OAuth,
    uses: Uses,
    fresh: Cache<Hash, Option<KeyHolder>>,
    known: Cache<Hash, KeyHolder>,
}

impl Authenticator {
    /// Remembers nothing yet. Notes when keys are used.
    pub fn new(store: Store, oauth: OAuth, uses: Uses) -> Self {
        let fresh = Cache::builder().max_capacity(KEYS_MAX).time_to_live(FRESH).build();
        let known = Cache::builder().max_capacity(KEYS_MAX).time_to_live(STALE).build();
        Self { store, oauth, uses, fresh, known }
    }

    /// The holder of this key or access token.
    pub async fn holder(&self, text: &str) -> Result<Verified, AuthError> {
        match ApiKey::parse(text) {
            Ok(key) => self.of_key(&key).await,
            Err(_) if text.contains('.') => {
                self.known_or(Sha256::digest(text.as_bytes()).into(), self.ask_token(text)).await
            }
            Err(_) => Err(AuthError::Invalid),
        }
    }

    /// The holder of this key.
    pub async fn of_key(&self, key: &ApiKey) -> Result<Verified, AuthError> {
        self.known_or(key.sha256(), self.ask_key(key.sha256())).await
    }

    /// What is known of this hash, or else what asking gives.
    async fn known_or(
        &self,
        hash: Hash,
        ask: impl Future<Output = Result<Option<KeyHolder>, StoreError>>,
    ) -> Result<Verified, AuthError> {
        let known = self.known.get(&hash).await;
        let asking = self.fresh.try_get_with(hash, self.note(hash, ask));
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
        answer.filter(|holder| is_on_time(holder, clock::now_ms())).map(Verified).ok_or(AuthError::Invalid)
    }

    async fn ask_key(&self, hash: Hash) -> Result<Option<KeyHolder>, StoreError> {
        self.store.holder(&hash).await
    }

    async fn ask_token(&self, text: &str) -> Result<Option<KeyHolder>, StoreError> {
        let Some(access) = self.oauth.access(text).await? else { return Ok(None) };
        let grant = self.oauth.holder(access.grant).await?.filter(|grant| grant.client == access.client);
        Ok(grant.map(|grant| KeyHolder {
            key: *grant.client.as_uuid(),
            is_client: true,
            account: grant.account,
            level: access.level.min(grant.level),
            quotas: grant.quotas,
            ends_at_ms: Some(access.ends_at_ms),
        }))
    }

    async fn note(
        &self,
        hash: Hash,
        ask: impl Future<Output = Result<Option<KeyHolder>, StoreError>>,
    ) -> Result<Option<KeyHolder>, StoreError> {
        let answer = ask.await?;
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

/// Whether a token's own time is not over.
fn is_on_time(holder: &KeyHolder, now_ms: i64) -> bool {
    holder.ends_at_ms.is_none_or(|end| now_ms < end)
}
