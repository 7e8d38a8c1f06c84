//! Requests that carry an `Idempotency-Key`, and what was answered.

use std::time::Duration;

use diesel::sql_types::{BigInt, Binary, Bool, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pg::Prepare;
use serde_json::Value;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::idempotency::{Answer, Keyed, Seen};

/// Rows that are removed at once.
const PIECE: i64 = 500;

#[derive(QueryableByName)]
struct SeenRow {
    #[diesel(sql_type = Bool)]
    is_same: bool,
    #[diesel(sql_type = Bool)]
    is_running: bool,
    #[diesel(sql_type = Nullable<SmallInt>)]
    status: Option<i16>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    headers: Option<Value>,
    #[diesel(sql_type = Nullable<Binary>)]
    body: Option<Vec<u8>>,
}

impl Store {
    /// Takes the row of a request, for so long, when there is none, or it is over, or it is open and the request's own.
    pub(crate) async fn begin(&self, keyed: &Keyed, owner: Uuid, time: Duration) -> Result<bool, StoreError> {
        let mut connection = self.pool.of(keyed.account.as_uuid()).await?;
        let begun = sql_query(
            "INSERT INTO idempotency_keys AS kept
                 (account_id, operation, key, request_sha256, owner, running_until, expires_at)
             VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond', now() + interval '24 hours')
             ON CONFLICT (account_id, operation, key) DO UPDATE
             SET request_sha256 = EXCLUDED.request_sha256, owner = EXCLUDED.owner,
                 running_until = EXCLUDED.running_until, expires_at = EXCLUDED.expires_at,
                 status = NULL, headers = NULL, body = NULL
             WHERE kept.expires_at <= now()
                OR (kept.status IS NULL AND kept.running_until <= now()
                    AND kept.request_sha256 = EXCLUDED.request_sha256)",
        )
        .bind::<SqlUuid, _>(keyed.account.as_uuid())
        .bind::<Text, _>(keyed.operation)
        .bind::<Text, _>(&keyed.key)
        .bind::<Binary, _>(keyed.sha256.as_slice())
        .bind::<SqlUuid, _>(owner)
        .bind::<BigInt, _>(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
        .prepared()
        .execute(&mut *connection)
        .await?;
        Ok(begun == 1)
    }

    /// How the request with this key stands.
    pub(crate) async fn look(&self, keyed: &Keyed) -> Result<Seen, StoreError> {
        let mut connection = self.pool.of(keyed.account.as_uuid()).await?;
        let row: Option<SeenRow> = sql_query(
            "SELECT request_sha256 = $4 AS is_same, running_until > now() AS is_running, status, headers, body
             FROM idempotency_keys
             WHERE account_id = $1 AND operation = $2 AND key = $3 AND expires_at > now()",
        )
        .bind::<SqlUuid, _>(keyed.account.as_uuid())
        .bind::<Text, _>(keyed.operation)
        .bind::<Text, _>(&keyed.key)
        .bind::<Binary, _>(keyed.sha256.as_slice())
        .prepared()
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(row.map_or(Seen::Open, SeenRow::seen))
    }

    /// Keeps the answer; false when the row is another owner's.
    pub(crate) async fn answer(
        &self,
        keyed: &Keyed,
        owner: Uuid,
        answer: &Answer,
    ) -> Result<bool, StoreError> {
        let mut connection = self.pool.of(keyed.account.as_uuid()).await?;
        let headers: Vec<[&str; 2]> =
            answer.headers.iter().map(|(name, value)| [name.as_str(), value.as_str()]).collect();
        // Said again, after an answer of the database that was lost, it changes nothing.
        let kept = sql_query(
            "UPDATE idempotency_keys SET status = $5, headers = $6, body = $7
             WHERE account_id = $1 AND operation = $2 AND key = $3 AND owner = $4",
        )
        .bind::<SqlUuid, _>(keyed.account.as_uuid())
        .bind::<Text, _>(keyed.operation)
        .bind::<Text, _>(&keyed.key)
        .bind::<SqlUuid, _>(owner)
        .bind::<SmallInt, _>(i16::try_from(answer.status).unwrap_or(i16::MAX))
        .bind::<Jsonb, _>(serde_json::json!(headers))
        .bind::<Binary, _>(answer.body.as_ref())
        .prepared()
        .execute(&mut *connection)
        .await?;
        Ok(kept == 1)
    }

    /// Opens the row to the next one with the same request.
    pub(crate) async fn give_up(&self, keyed: &Keyed, owner: Uuid) -> Result<(), StoreError> {
        let mut connection = self.pool.of(keyed.account.as_uuid()).await?;
        sql_query(
            "UPDATE idempotency_keys SET running_until = now()
             WHERE account_id = $1 AND operation = $2 AND key = $3 AND owner = $4 AND status IS NULL",
        )
        .bind::<SqlUuid, _>(keyed.account.as_uuid())
        .bind::<Text, _>(keyed.operation)
        .bind::<Text, _>(&keyed.key)
        .bind::<SqlUuid, _>(owner)
        .prepared()
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// Removes what is over, a piece of it; gives whether there may be more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_answers(&self) -> Result<bool, StoreError> {
        let mut connection = self.pool.get().await?;
        let removed = sql_query(
            "DELETE FROM idempotency_keys WHERE (account_id, operation, key) IN (
                 SELECT account_id, operation, key FROM idempotency_keys WHERE expires_at <= now()
                 ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<BigInt, _>(PIECE)
        .execute(&mut *connection)
        .await?;
        Ok(i64::try_from(removed).is_ok_and(|removed| removed == PIECE))
    }
}

impl SeenRow {
    fn seen(self) -> Seen {
        match (self.status.and_then(|status| u16::try_from(status).ok()), self.headers, self.body) {
            _ if !self.is_same => Seen::Reused,
            (Some(status), Some(headers), Some(body)) => Seen::Answered(Answer {
                status,
                headers: serde_json::from_value(headers).unwrap_or_default(),
                body: body.into(),
            }),
            _ if self.is_running => Seen::Running,
            _ => Seen::Open,
        }
    }
}
