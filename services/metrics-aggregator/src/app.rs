//! Puts the aggregator together and runs it.

use anyhow::Context;
use bus::Bus;
use bus::rpc::RunningServer;
use pg::Pool;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::startup::patiently;

use crate::config::Config;
use crate::inbound::{reading, requests};
use crate::store::{self, Store};

/// An aggregator that is ready to run.
pub struct App {
    bus: Bus,
    store: Store,
    server: RunningServer,
}

impl App {
    /// Brings the tables up to date and connects everything. Requests of other services are answered from here on, events
    /// are counted with [`App::run_until`].
    ///
    /// # Errors
    /// When the database or the bus cannot be reached.
    pub async fn build(config: Config, health: &Health) -> anyhow::Result<Self> {
        patiently("the database", || pg::migrate(&config.database, store::SCHEMA, store::MIGRATIONS)).await?;
        let pool = Pool::new(&config.database, store::SCHEMA)?;
        let connecting = patiently("the bus", || Bus::connect(&config.bus, "metrics-aggregator"));
        let bus = connecting.await.context("--nats-url")?;
        let settings = || pg::durability_problems(&config.database, store::SCHEMA);
        let mut problems = patiently("the database", settings).await?;
        problems.extend(bus.durability_problems(&config.monitor, None).await);
        config.durability.judge(problems)?;
        register_checks(health, &pool, &bus);
        let store = Store::new(pool);
        let server = requests::serve(&bus, store.clone()).await?;
        Ok(Self { bus, store, server })
    }

    /// Folds events until the stop is asked for.
    ///
    /// # Errors
    /// Never; the signature is that of every service.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        reading::run(&self.bus, &self.store, &shutdown).await;
        self.server.stop().await;
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
