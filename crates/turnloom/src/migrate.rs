//! `turnloom migrate`: brings the tables of all services up to date, as their owner.
//!
//! Services that have a login of their own, which is no owner, find everything as they need it then. Those that have the owner's address do the
//! same for themselves at start.

use pg::PgConfig;
use serde_json::json;

use crate::connection::Connection;
use crate::output::{self, Format};

/// What `migrate` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Where PostgreSQL is, with the owner of the tables as user; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

/// Does it.
///
/// # Errors
/// When the database cannot be reached or refuses a migration, or its user is not the owner.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let config = PgConfig::for_url(&connection.database_url(arguments.database_url.as_deref())?);
    pg::migrate(&config, gateway::store::SCHEMA, gateway::store::MIGRATIONS).await?;
    pg::migrate(&config, workflow_catalog::store::SCHEMA, workflow_catalog::store::MIGRATIONS).await?;
    pg::migrate(&config, execution_runner::store::SCHEMA, execution_runner::store::MIGRATIONS).await?;
    pg::migrate(&config, metrics_aggregator::store::SCHEMA, metrics_aggregator::store::MIGRATIONS).await?;
    let roles = [
        gateway::store::SCHEMA,
        workflow_catalog::store::SCHEMA,
        execution_runner::store::SCHEMA,
        metrics_aggregator::store::SCHEMA,
    ]
    .map(pg::role_of);
    output::done(format, &json!({ "roles": roles }), |_| {
        format!(
            "the tables are up to date; logins of services have to be members of their role: {}",
            roles.join(", ")
        )
    })
}
