//! The ledgers of the limits: one row for each key and class.

use diesel::sql_types::{BigInt, Jsonb, SmallInt, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg::Prepare;
use serde_json::Value;

use super::{Store, StoreError};
use crate::limit::Subject;
use crate::limit::ledger::{Ask, Granted, Ledger};

/// Rows that are removed at once.
const PIECE: i64 = 1_000;

#[derive(QueryableByName)]
struct LedgerRow {
    #[diesel(sql_type = Jsonb)]
    ledger: Value,
    #[diesel(sql_type = BigInt)]
    now_ms: i64,
}

impl Store {
    /// Closes and leases, in one transaction that holds the row. After an error it may have happened.
    pub(crate) async fn lease(&self, subject: Subject, ask: Ask) -> Result<Granted, StoreError> {
        self.pool.run(move |connection| Box::pin(apply(connection, subject, ask))).await
    }

    /// Removes ledgers in which nothing counts any more, a piece of them; gives whether there may be more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_ledgers(&self) -> Result<bool, StoreError> {
        let mut connection = self.pool.get().await?;
        // What was leased last counts for 63 minutes at most.
        let removed = sql_query(
            "DELETE FROM rate_ledgers WHERE (key_id, class) IN (
                 SELECT key_id, class FROM rate_ledgers WHERE changed_at < now() - interval '2 hours'
                 LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<BigInt, _>(PIECE)
        .execute(&mut *connection)
        .await?;
        Ok(i64::try_from(removed).is_ok_and(|removed| removed == PIECE))
    }
}

async fn apply(
    connection: &mut AsyncPgConnection,
    subject: Subject,
    ask: Ask,
) -> Result<Granted, StoreError> {
    // The clock is read when the row is held, so those who come later read a later time.
    let row: LedgerRow = sql_query(
        "INSERT INTO rate_ledgers (key_id, class) VALUES ($1, $2)
         ON CONFLICT (key_id, class) DO UPDATE SET changed_at = clock_timestamp()
         RETURNING ledger, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms",
    )
    .bind::<SqlUuid, _>(subject.key)
    .bind::<SmallInt, _>(subject.class.code())
    .prepared()
    .get_result(connection)
    .await?;
    let mut ledger: Ledger = serde_json::from_value(row.ledger).map_err(StoreError::Ledger)?;
    let granted = ledger.apply(&ask, row.now_ms);
    sql_query("UPDATE rate_ledgers SET ledger = $3 WHERE key_id = $1 AND class = $2")
        .bind::<SqlUuid, _>(subject.key)
        .bind::<SmallInt, _>(subject.class.code())
        .bind::<Jsonb, _>(serde_json::to_value(&ledger).map_err(StoreError::Ledger)?)
        .prepared()
        .execute(connection)
        .await?;
    Ok(granted)
}
