//! How to reach PostgreSQL.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::{Unavailable, roles};

/// Settings of the database.
#[derive(Debug, Clone, clap::Args)]
pub struct PgConfig {
    /// Where PostgreSQL is: `postgres://user:password@host:port/database`
    #[arg(long, env = "TURNLOOM_DATABASE_URL", hide_env_values = true)]
    pub database_url: SecretString,
    /// Where PostgreSQL is for the owner of the tables, who brings them up to date at start: `--database-url` unless set. Not needed by
    /// services whose tables `turnloom migrate` has brought up to date
    #[arg(long, env = "TURNLOOM_MIGRATION_DATABASE_URL", hide_env_values = true)]
    pub migration_database_url: Option<SecretString>,
    /// Connections that this process holds at most of each kind: for itself, and on behalf of accounts
    #[arg(long, env = "TURNLOOM_DATABASE_CONNECTIONS", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,
    /// How long a connection or a statement may take, in milliseconds
    #[arg(long, env = "TURNLOOM_DATABASE_TIMEOUT_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub database_timeout_ms: u64,
    /// The role that connections take; none is the user of the address
    #[arg(skip)]
    pub role: Option<String>,
}

impl PgConfig {
    /// The default settings for this address.
    #[must_use]
    pub fn for_url(url: &str) -> Self {
        Self {
            database_url: url.to_owned().into(),
            migration_database_url: None,
            database_connections: 8,
            database_timeout_ms: 5_000,
            role: None,
        }
    }

    /// The same for connections of the service that owns this schema, at run time: they may do what its role may, whoever the user of the
    /// address is. The role is there after [`migrate`](crate::migrate()).
    #[must_use]
    pub fn as_service(&self, schema: &str) -> Self {
        Self { role: Some(roles::role_of(schema)), ..self.clone() }
    }

    /// The same for the owner of the tables.
    pub(crate) fn as_owner(&self) -> Self {
        let database_url = self.migration_database_url.as_ref().unwrap_or(&self.database_url).clone();
        Self { database_url, role: None, ..self.clone() }
    }

    /// How long a connection or a statement may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.database_timeout_ms)
    }

    /// The driver's settings for one service's schema.
    pub(crate) fn driver(&self, schema: &str) -> Result<tokio_postgres::Config, Unavailable> {
        let mut config = tokio_postgres::Config::from_str(self.database_url.expose_secret())
            .map_err(|error| Unavailable::new("--database-url cannot be read", &error))?;
        config
            .connect_timeout(self.timeout())
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(self.timeout())
            .application_name(format!("turnloom-{schema}"))
            .options(format!(
                "-c search_path={schema} -c statement_timeout={0} -c lock_timeout={0} \
                 -c idle_in_transaction_session_timeout={1} -c timezone=UTC{2}",
                self.database_timeout_ms,
                self.database_timeout_ms * 2,
                self.role.as_ref().map(|role| format!(" -c role={role}")).unwrap_or_default(),
            ));
        Ok(config)
    }
}
