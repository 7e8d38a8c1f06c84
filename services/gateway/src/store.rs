//! The gateway's tables: accounts and keys. No other service touches them.

use diesel::sql_types::{Binary, SmallInt, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use flow_model::AccountId;
use pg::Pool;
use uuid::Uuid;

use crate::key::{ApiKey, Level};

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
}

/// Whom a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHolder {
    /// The account.
    pub account: AccountId,
    /// What the key lets them do.
    pub level: Level,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    level: i16,
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

    /// Whom the key with this hash stands for, if it is one that holds now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn holder(&self, sha256: &[u8; 32]) -> Result<Option<KeyHolder>, StoreError> {
        let mut connection = self.pool.get().await?;
        let found: Option<KeyRow> = sql_query(
            "SELECT account_id, level FROM api_keys
             WHERE secret_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        )
        .bind::<Binary, _>(sha256.as_slice())
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(found.map(|row| KeyHolder {
            account: AccountId::new(row.account_id),
            level: Level::from_code(row.level),
        }))
    }

    /// Adds a key to an account, which is made when it is not there. A key that is there stays as it is.
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
            "INSERT INTO api_keys (id, account_id, name, level, secret_sha256) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (secret_sha256) DO NOTHING",
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
