//! The audit log. Times of rows are those in their ids, so that order and filters agree.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, ApiKeyId, AuditEntryId, OAuthClientId};
use pg::Prepare;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::audit::{Actor, By, Change, Entry, Filter};
use crate::span::{Listed, Span};

/// Who changes something without a key.
const OPERATOR: &str = "operator";
/// Rows that are removed at once.
const PIECE: i64 = 1_000;

/// The rows that a filter lets through; the ids of its times are the bounds.
const CHOSEN: &str =
    "account_id = $1 AND ($2 IS NULL OR action = $2) AND ($3 IS NULL OR key_id = $3 OR client_id = $3)
    AND ($4 IS NULL OR actor = $4) AND id >= $5 AND id < $6";

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    key_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    client_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    resource: Option<String>,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    remote_address: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl EntryRow {
    fn entry(self) -> Entry {
        Entry {
            id: AuditEntryId::new(self.id),
            at_ms: self.at.timestamp_millis(),
            key: self.key_id.map(ApiKeyId::new),
            client: self.client_id.map(OAuthClientId::new),
            actor: self.actor,
            action: self.action,
            resource: self.resource,
            status: u16::try_from(self.status).unwrap_or(0),
            request_id: self.request_id,
            remote_address: self.remote_address,
        }
    }
}

/// The first id of version 7 that can be made at this time, Unix milliseconds.
fn first_id(ms: i64) -> Uuid {
    let ms = u128::try_from(ms).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(ms << 80)
}

/// When an id of version 7 was made, Unix milliseconds.
fn made_at_ms(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> 80).unwrap_or(0)
}

impl Store {
    /// Adds a row. The name of the key or client is what it is now.
    pub(crate) async fn add_entry(&self, id: AuditEntryId, change: &Change) -> Result<(), StoreError> {
        let mut connection = self.pool.of(change.account.as_uuid()).await?;
        let at = DateTime::<Utc>::from_timestamp_millis(made_at_ms(*id.as_uuid())).unwrap_or_default();
        let (key, client) = match change.by {
            By::Operator => (None, None),
            By::Key(key) => (Some(*key.as_uuid()), None),
            By::Client(client) => (None, Some(*client.as_uuid())),
        };
        sql_query(
            "INSERT INTO audit_log
                 (id, account_id, at, key_id, client_id, actor, action, resource, status, request_id, remote_address)
             VALUES ($1, $2, $3, $4, $11, COALESCE((SELECT name FROM api_keys WHERE id = $4),
                     (SELECT name FROM oauth_clients WHERE id = $11), $5), $6, $7, $8, $9, $10)",
        )
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<SqlUuid, _>(change.account.as_uuid())
        .bind::<Timestamptz, _>(at)
        .bind::<Nullable<SqlUuid>, _>(key)
        .bind::<Text, _>(OPERATOR)
        .bind::<Text, _>(change.action)
        .bind::<Nullable<Text>, _>(change.resource.as_deref())
        .bind::<SmallInt, _>(i16::try_from(change.status).unwrap_or(i16::MAX))
        .bind::<Text, _>(&change.request_id)
        .bind::<Nullable<Text>, _>(change.remote_address.map(|address| address.to_string()))
        .bind::<Nullable<SqlUuid>, _>(client)
        .prepared()
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// A part of an account's rows, newest first.
    pub(crate) async fn entries(
        &self,
        account: AccountId,
        filter: Filter,
        span: Span,
    ) -> Result<Listed<Entry>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let (key, name) = match filter.actor {
            None => (None, None),
            Some(Actor::Key(key)) => (Some(*key.as_uuid()), None),
            Some(Actor::Client(client)) => (Some(*client.as_uuid()), None),
            Some(Actor::Named(name)) => (None, Some(name)),
        };
        let from = filter.from_ms.map_or(Uuid::nil(), first_id);
        let end = filter.to_ms.map_or(Uuid::max(), |to_ms| first_id(to_ms.saturating_add(1)));
        let count: Count = sql_query(format!("SELECT count(*) AS n FROM audit_log WHERE {CHOSEN}"))
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<Nullable<Text>, _>(filter.action.as_deref())
            .bind::<Nullable<SqlUuid>, _>(key)
            .bind::<Nullable<Text>, _>(name.as_deref())
            .bind::<SqlUuid, _>(from)
            .bind::<SqlUuid, _>(end)
            .get_result(&mut *connection)
            .await?;
        let rows: Vec<EntryRow> = sql_query(format!(
            "SELECT id, at, key_id, client_id, actor, action, resource, status, request_id, remote_address
             FROM audit_log WHERE {CHOSEN} ORDER BY id DESC OFFSET $7 LIMIT $8"
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<Nullable<Text>, _>(filter.action.as_deref())
        .bind::<Nullable<SqlUuid>, _>(key)
        .bind::<Nullable<Text>, _>(name.as_deref())
        .bind::<SqlUuid, _>(from)
        .bind::<SqlUuid, _>(end.min(span.below()))
        .bind::<BigInt, _>(span.offset())
        .bind::<BigInt, _>(i64::from(span.limit))
        .get_results(&mut *connection)
        .await?;
        let rows = rows.into_iter().map(EntryRow::entry).collect();
        Ok(Listed { rows, total: u64::try_from(count.n).unwrap_or(0) })
    }

    /// Removes rows that were written before this, Unix milliseconds: a piece of them. Gives how many.
    pub(crate) async fn forget_entries(&self, since_ms: i64) -> Result<usize, StoreError> {
        self.pool.run(move |connection| Box::pin(forget(connection, since_ms))).await
    }
}

async fn forget(connection: &mut AsyncPgConnection, since_ms: i64) -> Result<usize, StoreError> {
    // For this transaction only: everybody else is refused.
    sql_query("SET LOCAL turnloom.audit_retention = 'on'").execute(connection).await?;
    let removed = sql_query(
        "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)",
    )
    .bind::<SqlUuid, _>(first_id(since_ms))
    .bind::<BigInt, _>(PIECE)
    .execute(connection)
    .await?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_lies_between_the_first_ones_of_its_time_and_of_the_next() {
        let id = platform::clock::new_uuid_v7();
        let ms = made_at_ms(id);
        assert!(first_id(ms) <= id && id < first_id(ms + 1));
        assert_eq!((first_id(-1), made_at_ms(first_id(77))), (Uuid::nil(), 77));
        assert!(first_id(i64::MAX) > id);
    }
}
