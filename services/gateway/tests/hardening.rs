//! What bounces off the gateway: attacks on connections, heads and bodies over raw sockets (S8 and S9 of the reliability plan), and what
//! answers tell browsers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

#[path = "hardening/bodies.rs"]
mod bodies;
#[path = "hardening/connections.rs"]
mod connections;
#[path = "hardening/cors.rs"]
mod cors;
#[path = "hardening/headers.rs"]
mod headers;
#[path = "hardening/heads.rs"]
mod heads;
#[path = "hardening/raw.rs"]
mod raw;
#[path = "hardening/smuggling.rs"]
mod smuggling;

use support::Gateway;

/// A gateway with these settings.
async fn gateway(settings: &[&str]) -> Gateway {
    let database = Gateway::start().await.database_url.clone();
    Gateway::on(&database, settings).await
}
