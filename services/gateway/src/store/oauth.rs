//! What OAuth 2.0 needs: clients, grants with their codes and refresh tokens, signing keys. Of secrets only hashes are here.

mod clients;
mod grants;
mod signing;

use diesel::sql_query;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::{Store, StoreError};

/// Rows that are removed at once.
const PIECE: i64 = 500;

/// What removes a piece of what is over. Grants take their codes and tokens with them.
const FORGETTING: [&str; 4] = [
    "DELETE FROM oauth_codes WHERE code_sha256 IN (
         SELECT code_sha256 FROM oauth_codes WHERE grant_id IS NULL AND expires_at <= now()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
    "DELETE FROM oauth_refresh_tokens WHERE token_sha256 IN (
         SELECT token_sha256 FROM oauth_refresh_tokens WHERE expires_at <= now()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
    "DELETE FROM oauth_grants WHERE id IN (
         SELECT id FROM oauth_grants WHERE expires_at <= now()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
    "DELETE FROM oauth_signing_keys WHERE number IN (
         SELECT number FROM oauth_signing_keys WHERE signs_until <= now() - interval '1 day'
         LIMIT $1 FOR UPDATE SKIP LOCKED)",
];

impl Store {
    /// Removes codes, tokens, grants and signing keys that are over, a piece of each; gives whether there may be more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_grants(&self) -> Result<bool, StoreError> {
        let mut connection = self.pool.get().await?;
        let mut more = false;
        for statement in FORGETTING {
            let removed = sql_query(statement).bind::<BigInt, _>(PIECE).execute(&mut *connection).await?;
            more |= i64::try_from(removed).is_ok_and(|removed| removed == PIECE);
        }
        Ok(more)
    }
}
