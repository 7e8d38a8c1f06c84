//! Sealed secrets of accounts.

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::{AccountId, SecretName};

use super::{Store, StoreError};

/// Secrets of an account at most.
const SECRETS_MAX: i64 = 200;

/// A secret to be kept, in the place of one with the same name.
#[derive(Debug)]
pub(crate) struct NewSecret {
    pub account: AccountId,
    pub name: SecretName,
    pub ciphertext: Vec<u8>,
    pub now: DateTime<Utc>,
}

/// What anybody may know of a secret.
#[derive(Debug, QueryableByName)]
pub(crate) struct StoredSecret {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

impl StoredSecret {
    pub fn to_message(&self) -> v1::Secret {
        v1::Secret {
            name: self.name.clone(),
            created_at_ms: self.created_at.timestamp_millis(),
            updated_at_ms: self.updated_at.timestamp_millis(),
        }
    }
}

#[derive(QueryableByName)]
struct Sealed {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Binary)]
    ciphertext: Vec<u8>,
}

impl Store {
    /// Keeps a secret. An account that has as many as it may can only change them.
    pub async fn put_secret(&self, new: NewSecret) -> Result<StoredSecret, StoreError> {
        let mut connection = self.pool.of(new.account.as_uuid()).await?;
        let stored: Option<StoredSecret> = sql_query(
            "INSERT INTO secrets (account_id, name, ciphertext, created_at, updated_at)
             SELECT $1, $2, $3, $4, $4
             WHERE (SELECT count(*) FROM secrets WHERE account_id = $1) < $5
             OR EXISTS (SELECT FROM secrets WHERE account_id = $1 AND name = $2)
             ON CONFLICT (account_id, name)
             DO UPDATE SET ciphertext = excluded.ciphertext, updated_at = excluded.updated_at
             RETURNING name, created_at, updated_at",
        )
        .bind::<SqlUuid, _>(new.account.as_uuid())
        .bind::<Text, _>(new.name.as_str())
        .bind::<Binary, _>(&new.ciphertext)
        .bind::<Timestamptz, _>(new.now)
        .bind::<BigInt, _>(SECRETS_MAX)
        .get_result(&mut *connection)
        .await
        .optional()?;
        stored.ok_or(StoreError::Conflict("The account has as many secrets as it may have: 200"))
    }

    /// All secrets of an account, by name.
    pub async fn secrets(&self, account: AccountId) -> Result<Vec<StoredSecret>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        Ok(sql_query("SELECT name, created_at, updated_at FROM secrets WHERE account_id = $1 ORDER BY name")
            .bind::<SqlUuid, _>(account.as_uuid())
            .get_results(&mut *connection)
            .await?)
    }

    /// Those of an account's secrets that have one of these names, sealed.
    pub async fn sealed_secrets(
        &self,
        account: AccountId,
        names: Vec<String>,
    ) -> Result<Vec<v1::SealedSecret>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let found: Vec<Sealed> =
            sql_query("SELECT name, ciphertext FROM secrets WHERE account_id = $1 AND name = ANY($2)")
                .bind::<SqlUuid, _>(account.as_uuid())
                .bind::<Array<Text>, _>(names)
                .get_results(&mut *connection)
                .await?;
        let sealed = |Sealed { name, ciphertext }| v1::SealedSecret { name, ciphertext: ciphertext.into() };
        Ok(found.into_iter().map(sealed).collect())
    }

    /// Forgets a secret; whether there was one.
    pub async fn delete_secret(&self, account: AccountId, name: &SecretName) -> Result<bool, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let deleted = sql_query("DELETE FROM secrets WHERE account_id = $1 AND name = $2")
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<Text, _>(name.as_str())
            .execute(&mut *connection)
            .await?;
        Ok(deleted > 0)
    }
}
