//! Bringing a service's schema up to date.

use std::collections::HashSet;

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tokio_postgres::{Client, NoTls};

use crate::{PgConfig, Unavailable, roles};

/// The lock that lets one process migrate at a time; an arbitrary number that nothing else locks.
const MIGRATION_LOCK: i64 = 0x7475_726e_6c6f_6f6d;

/// Migrating failed; what had been done before the failing migration stays.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The schema could not be prepared.
    #[error("the schema cannot be prepared")]
    Schema(#[from] tokio_postgres::Error),
    /// A migration is wrong for this database.
    #[error("a migration of schema {schema} failed: {why}")]
    Migration {
        /// Whose.
        schema: &'static str,
        /// What the database said.
        why: String,
    },
    /// There are migrations to run, and the user of the address is not the owner of the tables.
    #[error(
        "schema {schema} lacks {pending} migrations, which only its owner may run: `turnloom migrate`, or --migration-database-url"
    )]
    Pending {
        /// Whose.
        schema: &'static str,
        /// How many.
        pending: usize,
    },
}

/// Makes the schema and the role of its service if there are none, and runs the migrations that the schema has not seen. Processes that
/// start together wait for each other. Whoever is not the owner of the tables only looks whether any is missing. Needs a multi-thread
/// runtime.
///
/// # Errors
/// When the database is away or refuses a migration, or one is missing and must be run by another.
pub async fn migrate(
    config: &PgConfig,
    schema: &'static str,
    migrations: EmbeddedMigrations,
) -> Result<(), MigrateError> {
    let mut driver = config.as_owner().driver(schema)?;
    // Another process's migrations may take longer than one statement may otherwise.
    driver.options(format!("-c search_path={schema} -c timezone=UTC"));
    let (client, connection) =
        driver.connect(NoTls).await.map_err(|error| Unavailable::new("no connection", &error))?;
    tokio::spawn(connection);
    if !roles::may_migrate(&client, schema).await? {
        return look(&client, schema, &migrations).await;
    }
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    roles::ensure(&client, schema).await?;
    client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
    let migrated = run(&driver, schema, migrations).await;
    client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await?;
    migrated
}

/// Fails when a migration is missing.
async fn look(
    client: &Client,
    schema: &'static str,
    migrations: &EmbeddedMigrations,
) -> Result<(), MigrateError> {
    let wanted = MigrationSource::<Pg>::migrations(migrations)
        .map_err(|error| MigrateError::Migration { schema, why: error.to_string() })?;
    let has_any = client
        .query_one("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL", &[])
        .await?
        .get::<_, bool>(0);
    let known = if has_any {
        client.query("SELECT version FROM __diesel_schema_migrations", &[]).await?
    } else {
        Vec::new()
    };
    let known: HashSet<String> = known.iter().map(|row| row.get(0)).collect();
    let pending =
        wanted.iter().filter(|migration| !known.contains(&migration.name().version().to_string())).count();
    if pending == 0 { Ok(()) } else { Err(MigrateError::Pending { schema, pending }) }
}

async fn run(
    driver: &tokio_postgres::Config,
    schema: &'static str,
    migrations: EmbeddedMigrations,
) -> Result<(), MigrateError> {
    let failed = |why: String| MigrateError::Migration { schema, why };
    let (client, connection) = driver.connect(NoTls).await?;
    let connection = AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let ran = tokio::task::block_in_place(|| {
        harness
            .run_pending_migrations(migrations)
            .map(|versions| versions.len())
            .map_err(|error| failed(error.to_string()))
    })?;
    if ran > 0 {
        tracing::info!(schema, migrations = ran, "the schema is up to date");
    }
    Ok(())
}
