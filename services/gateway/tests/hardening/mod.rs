//! What bounces off the gateway: attacks on connections, heads and bodies over raw sockets (S8 and S9 of the reliability plan), and what
//! answers tell browsers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bodies;
mod connections;
mod cors;
mod headers;
mod heads;
mod raw;
mod smuggling;

use crate::support::Gateway;

/// A gateway with these settings.
async fn gateway(settings: &[&str]) -> Gateway {
    let database = Gateway::start().await.database_url.clone();
    Gateway::on(&database, settings).await
}
