//! The oracle's own way to the database: one connection, and whole tables in one answer.

use pg::PgConfig;
use tokio_postgres::Client;

use crate::failure::Failure;

/// The oracle reads whole tables; a statement that takes longer hangs, milliseconds.
const STATEMENT_MS: u64 = 120_000;

/// A connection. Tables are named with their schemas.
///
/// # Errors
/// When the database is away.
pub async fn connect(url: &str) -> Result<Client, Failure> {
    let config = PgConfig { database_timeout_ms: STATEMENT_MS, ..PgConfig::for_url(url) };
    Ok(pg::raw::connect(&config, "public").await?)
}
