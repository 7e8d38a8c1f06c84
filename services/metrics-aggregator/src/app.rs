//! Puts the aggregator together and runs it.

use anyhow::Context;
use bus::Bus;
use pg::Pool;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::startup::patiently;

use crate::config::Config;
use crate::inbound::reading;
use crate::store::{self, Store};

/// An aggregator that is ready to run.
pub struct App {
    bus: Bus,
    store: Store,
}

impl App {
    /// Brings the tables up to date and connects everything.
    ///
    /// # Errors
    /// When the database or the bus cannot be reached.
    pub async fn build(config: Config, health: &Health) -> anyhow::Result<Self> {
        patiently("the database", || pg::migrate(&config.database, store::SCHEMA, store::MIGRATIONS)).await?;
        let pool = Pool::new(&config.database, store::SCHEMA)?;
        let connecting = patiently("the bus", || Bus::connect(&config.bus, "metrics-aggregator"));
        let bus = connecting.await.context("--nats-url")?;
        register_checks(health, &pool, &bus);
        Ok(Self { bus, store: Store::new(pool) })
    }

    /// Folds events until the stop is asked for.
    ///
    /// # Errors
    /// Never; the signature is that of every service.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        reading::run(&self.bus, &self.store, &shutdown).await;
        Ok(())
    }
}

fn register_checks(health: &Health, pool: &Pool, bus: &Bus) {
    let (pool, bus) = (pool.clone(), bus.clone());
    health.register("metrics database", move || {
        let pool = pool.clone();
        Box::pin(async move { pool.check().await.map_err(|error| error.to_string()) })
    });
    health.register("metrics bus", move || {
        let bus = bus.clone();
        Box::pin(async move { bus.check().await.map_err(|error| error.to_string()) })
    });
}
