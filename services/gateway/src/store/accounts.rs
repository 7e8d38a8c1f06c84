//! Accounts.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::AccountId;
use serde_json::Value;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::keys::{AccountRecord, Limits};

/// What is read of an account.
const COLUMNS: &str = "a.id, a.name, a.limits, a.created_at,
    (SELECT count(*) FROM api_keys k WHERE k.account_id = a.id AND k.revoked_at IS NULL
         AND (k.expires_at IS NULL OR k.expires_at > now())) AS active_keys";

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    limits: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    active_keys: i64,
}

impl AccountRow {
    fn record(self) -> AccountRecord {
        AccountRecord {
            id: AccountId::new(self.id),
            name: self.name,
            limits: Limits::from_json(&self.limits),
            created_at_ms: self.created_at.timestamp_millis(),
            active_keys: u64::try_from(self.active_keys).unwrap_or(0),
        }
    }
}

impl Store {
    /// Makes an account; false when its name is taken.
    pub(crate) async fn create_account(
        &self,
        account: AccountId,
        name: &str,
        limits: Limits,
    ) -> Result<bool, StoreError> {
        let mut connection = self.pool.get().await?;
        let made =
            sql_query("INSERT INTO accounts (id, name, limits) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind::<SqlUuid, _>(account.as_uuid())
                .bind::<Text, _>(name)
                .bind::<Jsonb, _>(limits.to_json())
                .execute(&mut *connection)
                .await?;
        Ok(made == 1)
    }

    /// Sets the limits of an account, if it is there.
    pub(crate) async fn limit_account(&self, account: AccountId, limits: Limits) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        sql_query("UPDATE accounts SET limits = $2 WHERE id = $1")
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<Jsonb, _>(limits.to_json())
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    /// All accounts, by name.
    pub(crate) async fn accounts(&self) -> Result<Vec<AccountRecord>, StoreError> {
        let mut connection = self.pool.get().await?;
        let rows: Vec<AccountRow> =
            sql_query(format!("SELECT {COLUMNS} FROM accounts a ORDER BY a.name COLLATE \"C\""))
                .get_results(&mut *connection)
                .await?;
        Ok(rows.into_iter().map(AccountRow::record).collect())
    }

    /// One account.
    pub(crate) async fn account(&self, account: AccountId) -> Result<Option<AccountRecord>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let row: Option<AccountRow> = sql_query(format!("SELECT {COLUMNS} FROM accounts a WHERE a.id = $1"))
            .bind::<SqlUuid, _>(account.as_uuid())
            .get_result(&mut *connection)
            .await
            .optional()?;
        Ok(row.map(AccountRow::record))
    }
}
