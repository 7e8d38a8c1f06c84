//! The gateway's tables: accounts, keys, what counts against their limits, what was answered, the
//! audit log, and what OAuth 2.0 needs. No other service touches them.

mod accounts;
mod answers;
mod audit;
mod keys;
mod leases;
mod oauth;
mod uses;

use diesel::sql_types::{Binary, Jsonb, SmallInt, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use flow_model::{AccountId, ApiKeyId, OAuthClientId};
use pg::{Pool, Prepare};
use serde_json::Value;
use uuid::Uuid;

use crate::audit::By;
use crate::key::{ApiKey, Level};
use crate::limit::{Limits, Quotas};

/// The schema that the tables live in.
pub const SCHEMA: &str = "gateway";
/// The tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The account that is there from the start.
pub const DEFAULT_ACCOUNT: &str = "default";

/// The tables cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] pg::Unavailable),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[from] diesel::result::Error),
    /// What counts against a limit is written in a way that only a newer version knows.
    #[error("a ledger cannot be read")]
    Ledger(#[source] serde_json::Error),
}

impl StoreError {
    /// Whether the database is away, and not the statement wrong.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Statement(error) => pg::is_unavailable(error),
            Self::Ledger(_) => false,
        }
    }
}

/// Whom a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHolder {
    /// The row of the key, or of the OAuth client.
    pub key: Uuid,
    /// Whether it is a client with an access token.
    pub is_client: bool,
    /// The account.
    pub account: AccountId,
    /// What the key lets them do.
    pub level: Level,
    /// How much the key may ask for: what is set for it, else for its account, else what is usual.
    pub quotas: Quotas,
    /// When the access token is over, Unix milliseconds; none of a key, which the database tells of each time.
    pub ends_at_ms: Option<i64>,
}

impl KeyHolder {
    /// Who that is in the audit log.
    #[must_use]
    pub fn by(&self) -> By {
        if self.is_client {
            By::Client(OAuthClientId::new(self.key))
        } else {
            By::Key(ApiKeyId::new(self.key))
        }
    }
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = Jsonb)]
    account_limits: Value,
    #[diesel(sql_type = Jsonb)]
    key_limits: Value,
}

/// The tables. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
}

impl Store {
    /// Over these connections.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Whom the secret with this hash stands for, if it and its key hold now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn holder(&self, sha256: &[u8; 32]) -> Result<Option<KeyHolder>, StoreError> {
        let mut connection = self.pool.get().await?;
        let found: Option<KeyRow> = sql_query(
            "SELECT k.id, k.account_id, k.level, a.limits AS account_limits, k.limits AS key_limits
             FROM api_keys k JOIN accounts a ON a.id = k.account_id
             WHERE k.id = (SELECT id FROM api_keys WHERE secret_sha256 = $1
                           UNION ALL
                           SELECT key_id FROM retired_secrets WHERE secret_sha256 = $1 AND valid_until > now())
               AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())",
        )
        .bind::<Binary, _>(sha256.as_slice())
        .prepared()
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(found.map(|row| KeyHolder {
            key: row.id,
            is_client: false,
            ends_at_ms: None,
            account: AccountId::new(row.account_id),
            level: Level::from_code(row.level),
            quotas: Quotas::USUAL
                .with(Limits::from_json(&row.account_limits))
                .with(Limits::from_json(&row.key_limits)),
        }))
    }

    /// Adds a key of the settings to an account, which is made when it is not there. A key that is there stays as it is, and one that was
    /// rotated away stays so.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn add_key(
        &self,
        account: &str,
        name: &str,
        level: Level,
        key: &ApiKey,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        let account_id = AccountId::named(account);
        sql_query("INSERT INTO accounts (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind::<SqlUuid, _>(account_id.as_uuid())
            .bind::<Text, _>(account)
            .execute(&mut *connection)
            .await?;
        sql_query(
            "INSERT INTO api_keys (id, account_id, name, level, secret_sha256, configured)
             SELECT $1, $2, $3, $4, $5, true WHERE NOT EXISTS (SELECT 1 FROM retired_secrets WHERE secret_sha256 = $5)
             ON CONFLICT (secret_sha256) DO UPDATE SET configured = true WHERE NOT api_keys.configured",
        )
        .bind::<SqlUuid, _>(platform::clock::new_uuid_v7())
        .bind::<SqlUuid, _>(account_id.as_uuid())
        .bind::<Text, _>(name)
        .bind::<SmallInt, _>(level.code())
        .bind::<Binary, _>(key.sha256().as_slice())
        .execute(&mut *connection)
        .await?;
        Ok(())
    }
}
