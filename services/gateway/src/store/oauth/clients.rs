//! Clients.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, OAuthClientId};
use uuid::Uuid;

use super::super::{Store, StoreError};
use crate::key::Level;
use crate::oauth::{CLIENTS_MAX, Client, ClientError, GrantType, NewClient};
use crate::span::{Listed, Span};

/// What is read of a client.
const COLUMNS: &str =
    "id, account_id, name, level, secret_sha256, grant_types, redirect_uris, created_at, last_used_at";

#[derive(QueryableByName)]
struct ClientRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = Nullable<Binary>)]
    secret_sha256: Option<Vec<u8>>,
    #[diesel(sql_type = Array<Text>)]
    grant_types: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    redirect_uris: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_used_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl ClientRow {
    fn client(self) -> Client {
        Client {
            id: OAuthClientId::new(self.id),
            account: AccountId::new(self.account_id),
            name: self.name,
            level: Level::from_code(self.level),
            // Of a newer version there may be more; they let nobody in here.
            grant_types: self.grant_types.iter().filter_map(|kind| GrantType::parse(kind)).collect(),
            redirect_uris: self.redirect_uris,
            // What has a secret is confidential, whatever that is.
            secret_sha256: self.secret_sha256.map(|hash| hash.try_into().unwrap_or_default()),
            created_at_ms: self.created_at.timestamp_millis(),
            last_used_at_ms: self.last_used_at.map(|time| time.timestamp_millis()),
        }
    }
}

impl Store {
    /// Registers a client, unless its account has too many. Those of one account come one after the other, so that the number is right.
    pub(crate) async fn create_client(
        &self,
        account: AccountId,
        id: OAuthClientId,
        client: NewClient,
        secret_sha256: Option<[u8; 32]>,
    ) -> Result<(), ClientError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(create(connection, account, id, client, secret_sha256))
            })
            .await
    }

    /// A part of an account's clients, newest first.
    pub(crate) async fn clients(&self, account: AccountId, span: Span) -> Result<Listed<Client>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let count: Count = sql_query("SELECT count(*) AS n FROM oauth_clients WHERE account_id = $1")
            .bind::<SqlUuid, _>(account.as_uuid())
            .get_result(&mut *connection)
            .await?;
        let rows: Vec<ClientRow> = sql_query(format!(
            "SELECT {COLUMNS} FROM oauth_clients WHERE account_id = $1 AND id < $2
             ORDER BY id DESC OFFSET $3 LIMIT $4"
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<SqlUuid, _>(span.below())
        .bind::<BigInt, _>(span.offset())
        .bind::<BigInt, _>(i64::from(span.limit))
        .get_results(&mut *connection)
        .await?;
        let rows = rows.into_iter().map(ClientRow::client).collect();
        Ok(Listed { rows, total: u64::try_from(count.n).unwrap_or(0) })
    }

    /// One client, of whatever account.
    pub(crate) async fn client(&self, id: OAuthClientId) -> Result<Option<Client>, StoreError> {
        let mut connection = self.pool.get().await?;
        let row: Option<ClientRow> = sql_query(format!("SELECT {COLUMNS} FROM oauth_clients WHERE id = $1"))
            .bind::<SqlUuid, _>(id.as_uuid())
            .get_result(&mut *connection)
            .await
            .optional()?;
        Ok(row.map(ClientRow::client))
    }

    /// Removes a client with all that it was given; false when there is none.
    pub(crate) async fn delete_client(
        &self,
        account: AccountId,
        id: OAuthClientId,
    ) -> Result<bool, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let removed = sql_query("DELETE FROM oauth_clients WHERE account_id = $1 AND id = $2")
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<SqlUuid, _>(id.as_uuid())
            .execute(&mut *connection)
            .await?;
        Ok(removed == 1)
    }
}

async fn create(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    id: OAuthClientId,
    client: NewClient,
    secret_sha256: Option<[u8; 32]>,
) -> Result<(), ClientError> {
    sql_query("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE")
        .bind::<SqlUuid, _>(account.as_uuid())
        .execute(connection)
        .await?;
    let count: Count = sql_query("SELECT count(*) AS n FROM oauth_clients WHERE account_id = $1")
        .bind::<SqlUuid, _>(account.as_uuid())
        .get_result(connection)
        .await?;
    if count.n >= CLIENTS_MAX {
        return Err(ClientError::TooManyClients);
    }
    let grant_types: Vec<&str> = client.grant_types.iter().map(|kind| kind.as_str()).collect();
    sql_query(
        "INSERT INTO oauth_clients (id, account_id, name, level, secret_sha256, grant_types, redirect_uris)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<Text, _>(client.name)
    .bind::<SmallInt, _>(client.level.code())
    .bind::<Nullable<Binary>, _>(secret_sha256.map(|hash| hash.to_vec()))
    .bind::<Array<Text>, _>(grant_types)
    .bind::<Array<Text>, _>(client.redirect_uris)
    .execute(connection)
    .await?;
    Ok(())
}
