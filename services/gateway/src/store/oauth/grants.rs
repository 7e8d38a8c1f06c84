//! Grants, their codes and refresh tokens. What is used up and what comes of it is one transaction, which holds the row.

use diesel::sql_types::{BigInt, Binary, Bool, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, OAuthClientId};
use platform::clock;
use serde_json::Value;
use uuid::Uuid;

use super::super::{Store, StoreError};
use crate::key::Level;
use crate::limit::{Limits, Quotas};
use crate::oauth::{
    ACCESS_SECONDS, CODE_SECONDS, Consent, Exchange, GRANT_DAYS, Given, GrantHolder, REFRESH_DAYS,
    REFRESHES_MAX, Refresh,
};

/// Ends a grant. Its row stays until its access tokens are over.
const REVOKE: &str = "UPDATE oauth_grants SET revoked_at = COALESCE(revoked_at, now()),
        expires_at = least(expires_at, now() + interval '1 hour') WHERE id = $1";

/// That the key of whoever consented to grant or code `g` lets somebody in; of client credentials there is none. The grant follows the key's
/// row, so there is nothing to be carried over when a key is revoked, and nothing that could be forgotten.
const CONSENT_HOLDS: &str = "(g.granted_by IS NULL OR EXISTS (
        SELECT 1 FROM api_keys k WHERE k.id = g.granted_by AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())))";

#[derive(QueryableByName)]
struct HolderRow {
    #[diesel(sql_type = SqlUuid)]
    client_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = Jsonb)]
    limits: Value,
}

#[derive(QueryableByName)]
struct CodeRow {
    #[diesel(sql_type = SqlUuid)]
    client_id: Uuid,
    #[diesel(sql_type = Text)]
    redirect_uri: String,
    #[diesel(sql_type = Bool)]
    redirect_uri_given: bool,
    #[diesel(sql_type = Text)]
    challenge: String,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = SqlUuid)]
    granted_by: Uuid,
    #[diesel(sql_type = Bool)]
    is_open: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    grant_id: Option<Uuid>,
}

#[derive(QueryableByName)]
struct RefreshRow {
    #[diesel(sql_type = SqlUuid)]
    grant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    client_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = Bool)]
    is_used: bool,
    #[diesel(sql_type = Bool)]
    is_live: bool,
}

#[derive(QueryableByName)]
struct WaitRow {
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

#[derive(QueryableByName)]
struct FamilyRow {
    #[diesel(sql_type = SqlUuid)]
    grant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    client_id: Uuid,
}

impl CodeRow {
    /// Whether a request may have it. Who was not sent to a named place may name it all the same.
    fn fits(&self, exchange: &Exchange) -> bool {
        let same_place = match &exchange.redirect_uri {
            Some(named) => *named == self.redirect_uri,
            None => !self.redirect_uri_given,
        };
        let same_client = self.client_id == *exchange.client.as_uuid();
        self.is_open && same_client && same_place && self.challenge == exchange.challenge
    }
}

impl Store {
    /// Whom a grant stands for, while it is live.
    pub(crate) async fn grant_holder(&self, grant: Uuid) -> Result<Option<GrantHolder>, StoreError> {
        let mut connection = self.pool.get().await?;
        let found: Option<HolderRow> = sql_query(format!(
            "SELECT c.id AS client_id, c.account_id, g.level, a.limits
             FROM oauth_grants g JOIN oauth_clients c ON c.id = g.client_id JOIN accounts a ON a.id = c.account_id
             WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > now() AND {CONSENT_HOLDS}"
        ))
        .bind::<SqlUuid, _>(grant)
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(found.map(|row| GrantHolder {
            client: OAuthClientId::new(row.client_id),
            account: AccountId::new(row.account_id),
            level: Level::from_code(row.level),
            quotas: Quotas::USUAL.with(Limits::from_json(&row.limits)),
        }))
    }

    /// A grant to a client itself, for as long as one access token is good. It is there when the client is.
    pub(crate) async fn add_grant(
        &self,
        id: Uuid,
        client: OAuthClientId,
        level: Level,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        sql_query(
            "INSERT INTO oauth_grants (id, client_id, level, expires_at)
             SELECT $1, id, $3, now() + $4 * interval '1 second' FROM oauth_clients WHERE id = $2",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<SmallInt, _>(level.code())
        .bind::<BigInt, _>(2 * ACCESS_SECONDS)
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// Keeps a code.
    pub(crate) async fn add_code(&self, consent: &Consent, sha256: [u8; 32]) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        sql_query(
            "INSERT INTO oauth_codes
                 (code_sha256, client_id, redirect_uri, redirect_uri_given, challenge, level, granted_by, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 second')",
        )
        .bind::<Binary, _>(sha256.as_slice())
        .bind::<SqlUuid, _>(consent.client.as_uuid())
        .bind::<Text, _>(&consent.redirect_uri)
        .bind::<Bool, _>(consent.redirect_uri_given)
        .bind::<Text, _>(&consent.challenge)
        .bind::<SmallInt, _>(consent.level.code())
        .bind::<SqlUuid, _>(consent.by.as_uuid())
        .bind::<BigInt, _>(CODE_SECONDS)
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// Uses a code.
    pub(crate) async fn exchange(&self, exchange: Exchange) -> Result<Given, StoreError> {
        self.pool.run(move |connection| Box::pin(use_code(connection, exchange))).await
    }

    /// Uses a refresh token.
    pub(crate) async fn refresh(&self, refresh: Refresh) -> Result<Given, StoreError> {
        self.pool.run(move |connection| Box::pin(use_refresh(connection, refresh))).await
    }

    /// The grant of a refresh token, used or not, and its client.
    pub(crate) async fn family(
        &self,
        sha256: &[u8; 32],
    ) -> Result<Option<(Uuid, OAuthClientId)>, StoreError> {
        let mut connection = self.pool.get().await?;
        let found: Option<FamilyRow> = sql_query(
            "SELECT g.id AS grant_id, g.client_id FROM oauth_refresh_tokens t JOIN oauth_grants g ON g.id = t.grant_id
             WHERE t.token_sha256 = $1",
        )
        .bind::<Binary, _>(sha256.as_slice())
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(found.map(|row| (row.grant_id, OAuthClientId::new(row.client_id))))
    }

    /// Ends a grant with all its tokens. One that is revoked already stays so.
    pub(crate) async fn revoke_grant(&self, grant: Uuid) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        sql_query(REVOKE).bind::<SqlUuid, _>(grant).execute(&mut *connection).await?;
        Ok(())
    }
}

/// Keeps a client from being removed before this transaction is over; false when there is none. Whoever removes one begins with its row, too, so
/// neither waits for the other in a circle.
async fn hold(connection: &mut AsyncPgConnection, client: OAuthClientId) -> Result<bool, StoreError> {
    let held = sql_query("SELECT 1 FROM oauth_clients WHERE id = $1 FOR KEY SHARE")
        .bind::<SqlUuid, _>(client.as_uuid())
        .execute(connection)
        .await?;
    Ok(held == 1)
}

async fn use_code(connection: &mut AsyncPgConnection, exchange: Exchange) -> Result<Given, StoreError> {
    if !hold(connection, exchange.client).await? {
        return Ok(Given::Nothing);
    }
    let found: Option<CodeRow> = sql_query(format!(
        "SELECT client_id, redirect_uri, redirect_uri_given, challenge, level, granted_by,
                expires_at > now() AND {CONSENT_HOLDS} AS is_open, grant_id
         FROM oauth_codes g WHERE code_sha256 = $1 FOR UPDATE"
    ))
    .bind::<Binary, _>(exchange.code_sha256.as_slice())
    .get_result(connection)
    .await
    .optional()?;
    let Some(code) = found else { return Ok(Given::Nothing) };
    if let Some(grant) = code.grant_id {
        sql_query(REVOKE).bind::<SqlUuid, _>(grant).execute(connection).await?;
        return Ok(Given::UsedBefore);
    }
    if !code.fits(&exchange) {
        return Ok(Given::Nothing);
    }
    let grant = clock::new_uuid_v7();
    sql_query(
        "INSERT INTO oauth_grants (id, client_id, level, granted_by, expires_at)
         VALUES ($1, $2, $3, $4, now() + $5 * interval '1 day')",
    )
    .bind::<SqlUuid, _>(grant)
    .bind::<SqlUuid, _>(code.client_id)
    .bind::<SmallInt, _>(code.level)
    .bind::<SqlUuid, _>(code.granted_by)
    .bind::<BigInt, _>(GRANT_DAYS)
    .execute(connection)
    .await?;
    sql_query("UPDATE oauth_codes SET grant_id = $2 WHERE code_sha256 = $1")
        .bind::<Binary, _>(exchange.code_sha256.as_slice())
        .bind::<SqlUuid, _>(grant)
        .execute(connection)
        .await?;
    add_refresh(connection, grant, exchange.refresh_sha256).await?;
    Ok(Given::Grant { grant, level: Level::from_code(code.level) })
}

async fn use_refresh(connection: &mut AsyncPgConnection, refresh: Refresh) -> Result<Given, StoreError> {
    if !hold(connection, refresh.client).await? {
        return Ok(Given::Nothing);
    }
    let found: Option<RefreshRow> = sql_query(format!(
        "SELECT t.grant_id, g.client_id, g.level, t.used_at IS NOT NULL AS is_used,
                t.expires_at > now() AND g.revoked_at IS NULL AND g.expires_at > now() AND {CONSENT_HOLDS} AS is_live
         FROM oauth_refresh_tokens t JOIN oauth_grants g ON g.id = t.grant_id
         WHERE t.token_sha256 = $1 FOR UPDATE OF t"
    ))
    .bind::<Binary, _>(refresh.token_sha256.as_slice())
    .get_result(connection)
    .await
    .optional()?;
    let Some(token) = found.filter(|token| token.client_id == *refresh.client.as_uuid()) else {
        return Ok(Given::Nothing);
    };
    if token.is_used {
        sql_query(REVOKE).bind::<SqlUuid, _>(token.grant_id).execute(connection).await?;
        return Ok(Given::UsedBefore);
    }
    if !token.is_live {
        return Ok(Given::Nothing);
    }
    let granted = Level::from_code(token.level);
    let level = refresh.level.unwrap_or(granted);
    if level > granted {
        return Ok(Given::TooMuch);
    }
    if let Some(seconds) = over_pace(connection, token.grant_id).await? {
        return Ok(Given::TooSoon { seconds });
    }
    sql_query("UPDATE oauth_refresh_tokens SET used_at = now() WHERE token_sha256 = $1")
        .bind::<Binary, _>(refresh.token_sha256.as_slice())
        .execute(connection)
        .await?;
    add_refresh(connection, token.grant_id, refresh.next_sha256).await?;
    Ok(Given::Grant { grant: token.grant_id, level })
}

/// When a grant has given as many refresh tokens as it may in the last hour: the seconds until it may give the next.
async fn over_pace(connection: &mut AsyncPgConnection, grant: Uuid) -> Result<Option<u64>, StoreError> {
    let found: Option<WaitRow> = sql_query(
        "SELECT ceil(extract(epoch FROM made_at + interval '1 hour' - now()))::bigint AS seconds
         FROM oauth_refresh_tokens WHERE grant_id = $1 AND made_at > now() - interval '1 hour'
         ORDER BY made_at DESC OFFSET $2 LIMIT 1",
    )
    .bind::<SqlUuid, _>(grant)
    .bind::<BigInt, _>(REFRESHES_MAX - 1)
    .get_result(connection)
    .await
    .optional()?;
    Ok(found.map(|row| u64::try_from(row.seconds).unwrap_or(0).max(1)))
}

async fn add_refresh(
    connection: &mut AsyncPgConnection,
    grant: Uuid,
    sha256: [u8; 32],
) -> Result<(), StoreError> {
    sql_query(
        "INSERT INTO oauth_refresh_tokens (token_sha256, grant_id, expires_at)
         SELECT $1, id, least(expires_at, now() + $3 * interval '1 day') FROM oauth_grants WHERE id = $2",
    )
    .bind::<Binary, _>(sha256.as_slice())
    .bind::<SqlUuid, _>(grant)
    .bind::<BigInt, _>(REFRESH_DAYS)
    .execute(connection)
    .await?;
    Ok(())
}
