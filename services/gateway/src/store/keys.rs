//! Keys and their secrets. Of a secret only the hash is here.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Binary, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, ApiKeyId};
use serde_json::Value;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::key::Level;
use crate::keys::{ENDED_KEPT_DAYS, KEYS_MAX, KeyError, KeyRecord, KeyStatus, Limits, NewKey, RETIRED_MAX};
use crate::span::{Listed, Span};

/// The status of a key, by the clock that also decides whether it is let in: 1 active, 2 expired, 3 revoked.
const STATUS: &str = "CASE WHEN k.revoked_at IS NOT NULL THEN 3::smallint
    WHEN k.expires_at <= now() THEN 2::smallint ELSE 1::smallint END";

/// What is read of a key.
const COLUMNS: &str = "k.id, k.name, k.level, k.limits, k.created_at, k.expires_at, k.revoked_at, k.rotated_at, k.last_used_at,
    (SELECT max(r.valid_until) FROM retired_secrets r WHERE r.key_id = k.id AND r.valid_until > now()) AS overlap_until";

/// Rows that are removed at once.
const PIECE: i64 = 1_000;

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Jsonb)]
    limits: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    revoked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    rotated_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_used_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    overlap_until: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct StatusRow {
    #[diesel(sql_type = SmallInt)]
    status: i16,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn status_of(code: i16) -> KeyStatus {
    match code {
        1 => KeyStatus::Active,
        2 => KeyStatus::Expired,
        _ => KeyStatus::Revoked,
    }
}

fn status_code(status: KeyStatus) -> i16 {
    match status {
        KeyStatus::Active => 1,
        KeyStatus::Expired => 2,
        KeyStatus::Revoked => 3,
    }
}

impl KeyRow {
    fn record(self) -> KeyRecord {
        let ms = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_millis());
        KeyRecord {
            id: ApiKeyId::new(self.id),
            name: self.name,
            level: Level::from_code(self.level),
            status: status_of(self.status),
            limits: Limits::from_json(&self.limits),
            created_at_ms: self.created_at.timestamp_millis(),
            expires_at_ms: ms(self.expires_at),
            revoked_at_ms: ms(self.revoked_at),
            rotated_at_ms: ms(self.rotated_at),
            overlap_until_ms: ms(self.overlap_until),
            last_used_at_ms: ms(self.last_used_at),
        }
    }
}

impl Store {
    /// Makes a key, unless its account has too many, and reads it, in one transaction: what was made is told. Keys of one account are made
    /// one after the other, so that the number is right.
    pub(crate) async fn create_key(
        &self,
        account: AccountId,
        id: ApiKeyId,
        key: NewKey,
        sha256: [u8; 32],
    ) -> Result<KeyRecord, KeyError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(create(connection, account, id, key, sha256))
            })
            .await
    }

    /// A part of an account's keys, newest first.
    pub(crate) async fn keys(
        &self,
        account: AccountId,
        status: Option<KeyStatus>,
        span: Span,
    ) -> Result<Listed<KeyRecord>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let chosen = format!("k.account_id = $1 AND ($2 IS NULL OR $2 = {STATUS})");
        let count: Count = sql_query(format!("SELECT count(*) AS n FROM api_keys k WHERE {chosen}"))
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<Nullable<SmallInt>, _>(status.map(status_code))
            .get_result(&mut *connection)
            .await?;
        let rows: Vec<KeyRow> = sql_query(format!(
            "SELECT {COLUMNS}, {STATUS} AS status FROM api_keys k WHERE {chosen} AND k.id < $3
             ORDER BY k.id DESC OFFSET $4 LIMIT $5"
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<Nullable<SmallInt>, _>(status.map(status_code))
        .bind::<SqlUuid, _>(span.below())
        .bind::<BigInt, _>(span.offset())
        .bind::<BigInt, _>(i64::from(span.limit))
        .get_results(&mut *connection)
        .await?;
        let rows = rows.into_iter().map(KeyRow::record).collect();
        Ok(Listed { rows, total: u64::try_from(count.n).unwrap_or(0) })
    }

    /// One key.
    pub(crate) async fn key(
        &self,
        account: AccountId,
        key: ApiKeyId,
    ) -> Result<Option<KeyRecord>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        Ok(read(&mut connection, account, key).await?)
    }

    /// Makes a secret the current one of a key, and reads the key, in one transaction; the secret before stays valid for a while.
    pub(crate) async fn rotate_key(
        &self,
        account: AccountId,
        key: ApiKeyId,
        sha256: [u8; 32],
        overlap_ms: i64,
    ) -> Result<KeyRecord, KeyError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(rotate(connection, account, key, sha256, overlap_ms))
            })
            .await
    }

    /// Ends a key; false when there is none.
    pub(crate) async fn revoke_key(&self, account: AccountId, key: ApiKeyId) -> Result<bool, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let ended = sql_query(
            "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, now()) WHERE account_id = $1 AND id = $2",
        )
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<SqlUuid, _>(key.as_uuid())
        .execute(&mut *connection)
        .await?;
        Ok(ended == 1)
    }

    /// Removes keys that ended long ago, and secrets that are over, a piece of each; gives how many keys that were.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_keys(&self) -> Result<usize, StoreError> {
        let mut connection = self.pool.get().await?;
        sql_query(
            "DELETE FROM retired_secrets WHERE secret_sha256 IN (
                 SELECT r.secret_sha256 FROM retired_secrets r JOIN api_keys k ON k.id = r.key_id
                 WHERE r.valid_until <= now() AND NOT k.configured LIMIT $1 FOR UPDATE OF r SKIP LOCKED)",
        )
        .bind::<BigInt, _>(PIECE)
        .execute(&mut *connection)
        .await?;
        let removed = sql_query(
            "DELETE FROM api_keys WHERE id IN (
                 SELECT id FROM api_keys
                 WHERE NOT configured AND least(revoked_at, expires_at) <= now() - $2 * interval '1 day'
                 LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<BigInt, _>(PIECE)
        .bind::<BigInt, _>(ENDED_KEPT_DAYS)
        .execute(&mut *connection)
        .await?;
        Ok(removed)
    }
}

async fn read(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    key: ApiKeyId,
) -> Result<Option<KeyRecord>, diesel::result::Error> {
    let row: Option<KeyRow> = sql_query(format!(
        "SELECT {COLUMNS}, {STATUS} AS status FROM api_keys k WHERE k.account_id = $1 AND k.id = $2"
    ))
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<SqlUuid, _>(key.as_uuid())
    .get_result(connection)
    .await
    .optional()?;
    Ok(row.map(KeyRow::record))
}

async fn create(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    id: ApiKeyId,
    key: NewKey,
    sha256: [u8; 32],
) -> Result<KeyRecord, KeyError> {
    let known = sql_query("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE")
        .bind::<SqlUuid, _>(account.as_uuid())
        .execute(connection)
        .await?;
    if known == 0 {
        return Err(KeyError::NoSuchAccount);
    }
    let count: Count =
        sql_query(format!("SELECT count(*) AS n FROM api_keys k WHERE k.account_id = $1 AND {STATUS} = 1"))
            .bind::<SqlUuid, _>(account.as_uuid())
            .get_result(connection)
            .await?;
    if count.n >= KEYS_MAX {
        return Err(KeyError::TooManyKeys);
    }
    sql_query(
        "INSERT INTO api_keys (id, account_id, name, level, secret_sha256, limits, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<Text, _>(key.name)
    .bind::<SmallInt, _>(key.level.code())
    .bind::<Binary, _>(sha256.as_slice())
    .bind::<Jsonb, _>(key.limits.to_json())
    .bind::<Nullable<Timestamptz>, _>(key.expires_at_ms.and_then(DateTime::<Utc>::from_timestamp_millis))
    .execute(connection)
    .await?;
    read(connection, account, id).await?.ok_or(KeyError::NoSuchKey)
}

/// What happens when any line is the last one: nothing, or all of it. Rotations of one key come one after the other.
async fn rotate(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    key: ApiKeyId,
    sha256: [u8; 32],
    overlap_ms: i64,
) -> Result<KeyRecord, KeyError> {
    let found: Option<StatusRow> = sql_query(format!(
        "SELECT {STATUS} AS status FROM api_keys k WHERE k.account_id = $1 AND k.id = $2 FOR UPDATE"
    ))
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<SqlUuid, _>(key.as_uuid())
    .get_result(connection)
    .await
    .optional()?;
    match found.map(|found| status_of(found.status)) {
        None => return Err(KeyError::NoSuchKey),
        Some(status @ (KeyStatus::Expired | KeyStatus::Revoked)) => return Err(KeyError::NotActive(status)),
        Some(KeyStatus::Active) => {}
    }
    retire(connection, key, overlap_ms).await?;
    sql_query("UPDATE api_keys SET secret_sha256 = $2, rotated_at = now() WHERE id = $1")
        .bind::<SqlUuid, _>(key.as_uuid())
        .bind::<Binary, _>(sha256.as_slice())
        .execute(connection)
        .await?;
    read(connection, account, key).await?.ok_or(KeyError::NoSuchKey)
}

/// Retires the current secret. Those that were retired before end with it at the latest. Their rows stay, so that a bootstrap
/// key that was rotated away does not come back with the next start.
async fn retire(connection: &mut AsyncPgConnection, key: ApiKeyId, overlap_ms: i64) -> Result<(), KeyError> {
    sql_query(
        "UPDATE retired_secrets SET valid_until = now() + $2 * interval '1 millisecond'
         WHERE key_id = $1 AND valid_until > now() + $2 * interval '1 millisecond'",
    )
    .bind::<SqlUuid, _>(key.as_uuid())
    .bind::<BigInt, _>(overlap_ms)
    .execute(connection)
    .await?;
    let valid: Count =
        sql_query("SELECT count(*) AS n FROM retired_secrets WHERE key_id = $1 AND valid_until > now()")
            .bind::<SqlUuid, _>(key.as_uuid())
            .get_result(connection)
            .await?;
    if valid.n >= RETIRED_MAX {
        return Err(KeyError::TooManySecrets);
    }
    sql_query(
        "INSERT INTO retired_secrets (secret_sha256, key_id, valid_until)
         SELECT secret_sha256, id, now() + $2 * interval '1 millisecond' FROM api_keys WHERE id = $1",
    )
    .bind::<SqlUuid, _>(key.as_uuid())
    .bind::<BigInt, _>(overlap_ms)
    .execute(connection)
    .await?;
    Ok(())
}
