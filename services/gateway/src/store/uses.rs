//! When keys and OAuth clients were last let in.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Store, StoreError};

impl Store {
    /// Writes the last use of many keys and clients: of each only when it is a minute after what is written. A row that
    /// another one has just now is passed over, so that nobody waits for anybody.
    pub(crate) async fn note_uses(&self, uses: Vec<(Uuid, DateTime<Utc>)>) -> Result<usize, StoreError> {
        let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = uses.into_iter().unzip();
        let mut connection = self.pool.get().await?;
        let mut written = 0;
        for table in ["api_keys", "oauth_clients"] {
            written += sql_query(format!(
                "WITH due AS (
                     SELECT k.id, used.at FROM unnest($1, $2) AS used (id, at) JOIN {table} k ON k.id = used.id
                     WHERE k.last_used_at IS NULL OR used.at >= k.last_used_at + interval '1 minute'
                     FOR NO KEY UPDATE OF k SKIP LOCKED)
                 UPDATE {table} SET last_used_at = due.at FROM due WHERE {table}.id = due.id"
            ))
            .bind::<Array<SqlUuid>, _>(&ids)
            .bind::<Array<Timestamptz>, _>(&times)
            .execute(&mut *connection)
            .await?;
        }
        Ok(written)
    }
}
