//! The driver beneath diesel, for pipelined statements.

use tokio_postgres::{Client, NoTls};

use crate::{PgConfig, Unavailable};

/// A connection of the service that owns this schema. It is driven by a task that ends with it.
///
/// # Errors
/// When the database is away.
pub async fn connect(config: &PgConfig, schema: &str) -> Result<Client, Unavailable> {
    let driver = config.driver(schema)?;
    let connecting = tokio::time::timeout(config.timeout(), driver.connect(NoTls)).await;
    let (client, connection) = connecting
        .map_err(|_| Unavailable::because("connecting took too long"))?
        .map_err(|error| Unavailable::new("no connection", &error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the database has ended");
        }
    });
    Ok(client)
}
