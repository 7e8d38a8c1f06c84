//! Keys that access tokens are signed with.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Binary, Bool, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::{Store, StoreError};
use crate::oauth::signing::StoredKey;

#[derive(QueryableByName)]
struct SigningRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Binary)]
    public_key: Vec<u8>,
    #[diesel(sql_type = Binary)]
    private_key: Vec<u8>,
    #[diesel(sql_type = Bool)]
    sealed: bool,
    #[diesel(sql_type = Timestamptz)]
    signs_from: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    signs_until: DateTime<Utc>,
}

impl Store {
    /// All of them.
    pub(crate) async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let mut connection = self.pool.get().await?;
        let rows: Vec<SigningRow> = sql_query(
            "SELECT number, id, public_key, private_key, sealed, signs_from, signs_until
             FROM oauth_signing_keys ORDER BY number",
        )
        .get_results(&mut *connection)
        .await?;
        let stored = |row: SigningRow| StoredKey {
            number: row.number,
            id: row.id,
            public_key: row.public_key,
            private_key: row.private_key,
            sealed: row.sealed,
            signs_from_ms: row.signs_from.timestamp_millis(),
            signs_until_ms: row.signs_until.timestamp_millis(),
        };
        Ok(rows.into_iter().map(stored).collect())
    }

    /// Adds one; false when another has its number.
    pub(crate) async fn add_signing_key(&self, key: StoredKey) -> Result<bool, StoreError> {
        let mut connection = self.pool.get().await?;
        let time = |ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
        let added = sql_query(
            "INSERT INTO oauth_signing_keys
                 (number, id, public_key, private_key, sealed, signs_from, signs_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (number) DO NOTHING",
        )
        .bind::<BigInt, _>(key.number)
        .bind::<SqlUuid, _>(key.id)
        .bind::<Binary, _>(key.public_key)
        .bind::<Binary, _>(key.private_key)
        .bind::<Bool, _>(key.sealed)
        .bind::<Timestamptz, _>(time(key.signs_from_ms))
        .bind::<Timestamptz, _>(time(key.signs_until_ms))
        .execute(&mut *connection)
        .await?;
        Ok(added == 1)
    }
}
