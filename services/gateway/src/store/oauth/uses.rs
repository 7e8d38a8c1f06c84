//! When clients were last let in.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// As of keys: of each client only when it is a minute after what is written, and nobody waits for anybody.
pub(in crate::store) async fn note(
    connection: &mut AsyncPgConnection,
    clients: &[Uuid],
    times: &[DateTime<Utc>],
) -> Result<usize, diesel::result::Error> {
    sql_query(
        "WITH due AS (
             SELECT c.id, used.at FROM unnest($1, $2) AS used (id, at) JOIN oauth_clients c ON c.id = used.id
             WHERE c.last_used_at IS NULL OR used.at >= c.last_used_at + interval '1 minute'
             FOR NO KEY UPDATE OF c SKIP LOCKED)
         UPDATE oauth_clients SET last_used_at = due.at FROM due WHERE oauth_clients.id = due.id",
    )
    .bind::<Array<SqlUuid>, _>(clients)
    .bind::<Array<Timestamptz>, _>(times)
    .execute(connection)
    .await
}
