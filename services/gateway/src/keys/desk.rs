//! Making, showing, rotating and revoking keys, and accounts for them.

use std::time::Duration;

use flow_model::{AccountId, ApiKeyId};
use platform::clock;
use tokio::time::MissedTickBehavior;

use super::{AccountName, AccountRecord, KeyRecord, KeyStatus, Limits, NewKey};
use crate::key::ApiKey;
use crate::span::{Listed, Span};
use crate::store::{Store, StoreError};

/// How often keys that ended long ago are removed.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The account has no such key.
    #[error("there is no such key")]
    NoSuchKey,
    /// There is no such account.
    #[error("there is no such account")]
    NoSuchAccount,
    /// The name of the account is taken.
    #[error("there is an account of this name")]
    AccountExists,
    /// A key that lets nobody in cannot be rotated.
    #[error("the key is {}", .0.as_str())]
    NotActive(KeyStatus),
    /// The account has [`super::KEYS_MAX`] keys that work.
    #[error("the account has {} keys that work, which is the most", super::KEYS_MAX)]
    TooManyKeys,
    /// The key has [`super::RETIRED_MAX`] secrets that were replaced and are still valid.
    #[error("{} secrets that were replaced are still valid, which is the most", super::RETIRED_MAX)]
    TooManySecrets,
    /// The tables cannot be asked. A change may have been made.
    #[error("accounts and keys cannot be reached")]
    Store(#[from] StoreError),
}

impl From<pg::Unavailable> for KeyError {
    fn from(error: pg::Unavailable) -> Self {
        Self::Store(error.into())
    }
}

impl From<diesel::result::Error> for KeyError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An account and the key that it is seen with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSeen {
    /// The account.
    pub account: AccountRecord,
    /// The key.
    pub key: KeyRecord,
}

/// Does it. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Desk {
    store: Store,
}

impl Desk {
    /// Over these tables.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// When its name is taken, or the database is away.
    pub async fn create_account(
        &self,
        name: &AccountName,
        limits: Limits,
    ) -> Result<AccountRecord, KeyError> {
        if !self.store.create_account(name.id(), name.as_str(), limits).await? {
            return Err(KeyError::AccountExists);
        }
        self.account(name.id()).await
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn accounts(&self) -> Result<Vec<AccountRecord>, KeyError> {
        Ok(self.store.accounts().await?)
    }

    /// An account.
    ///
    /// # Errors
    /// When there is none, or the database is away.
    pub async fn account(&self, account: AccountId) -> Result<AccountRecord, KeyError> {
        self.store.account(account).await?.ok_or(KeyError::NoSuchAccount)
    }

    /// An account as the holder of one of its keys sees it.
    ///
    /// # Errors
    /// When there is no such key, or the database is away.
    pub async fn seen_by(&self, account: AccountId, key: ApiKeyId) -> Result<AccountSeen, KeyError> {
        let key = self.get(account, key).await?;
        Ok(AccountSeen { account: self.account(account).await?, key })
    }

    /// Makes a key. Its secret is never to be had again.
    ///
    /// # Errors
    /// When there is no such account, it has too many keys, or the database is away; then a key may have been made.
    pub async fn create(&self, account: AccountId, key: NewKey) -> Result<(KeyRecord, ApiKey), KeyError> {
        let (id, secret) = (ApiKeyId::new(clock::new_uuid_v7()), ApiKey::generate());
        Ok((self.store.create_key(account, id, key, secret.sha256()).await?, secret))
    }

    /// Keys of an account, newest first; all, or those with a status.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(
        &self,
        account: AccountId,
        status: Option<KeyStatus>,
        span: Span,
    ) -> Result<Listed<KeyRecord>, KeyError> {
        Ok(self.store.keys(account, status, span).await?)
    }

    /// One key.
    ///
    /// # Errors
    /// When the account has no such key, or the database is away.
    pub async fn get(&self, account: AccountId, key: ApiKeyId) -> Result<KeyRecord, KeyError> {
        self.store.key(account, key).await?.ok_or(KeyError::NoSuchKey)
    }

    /// Gives a key a new secret. The one before stays valid for `overlap_ms`, and so do, at most, those before that one.
    ///
    /// # Errors
    /// When there is no such key, it lets nobody in, too many of its secrets are valid, or the database is away; then it may
    /// have been done, and the new secret is lost.
    pub async fn rotate(
        &self,
        account: AccountId,
        key: ApiKeyId,
        overlap_ms: i64,
    ) -> Result<(KeyRecord, ApiKey), KeyError> {
        let secret = ApiKey::generate();
        Ok((self.store.rotate_key(account, key, secret.sha256(), overlap_ms).await?, secret))
    }

    /// Sets the limits of an account, in the place of all that were set.
    ///
    /// # Errors
    /// When there is no such account, or the database is away.
    pub async fn limit(&self, account: AccountId, limits: Limits) -> Result<AccountRecord, KeyError> {
        self.store.limit_account(account, limits).await?;
        self.account(account).await
    }

    /// Goes on forgetting keys that ended long ago, for ever.
    pub(crate) async fn tidy(self) {
        let mut ticks = tokio::time::interval(FORGET_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.store.forget_keys().await {
                tracing::warn!(%error, "keys that ended long ago cannot be removed; it is tried again later");
            }
        }
    }

    /// Ends a key, with all its secrets. One that is revoked already stays so.
    ///
    /// # Errors
    /// When the account has no such key, or the database is away; then it may have been done.
    pub async fn revoke(&self, account: AccountId, key: ApiKeyId) -> Result<(), KeyError> {
        if self.store.revoke_key(account, key).await? { Ok(()) } else { Err(KeyError::NoSuchKey) }
    }
}
