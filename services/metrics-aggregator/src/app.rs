//! Puts the aggregator together and runs it.

use std::time::Duration;

use anyhow::Context;
use bus::Bus;
use bus::rpc::RunningServer;
use pg::Pool;
use platform::clock;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::startup::patiently;

use crate::config::Config;
use crate::inbound::{reading, requests};
use crate::store::{self, Retention, Store, StoreError};

/// Pause between rounds of dropping what is over its time.
const RETENTION_EVERY: Duration = Duration::from_mins(1);

/// An aggregator that is ready to run.
pub struct App {
    bus: Bus,
    store: Store,
    retention: Retention,
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
        let database = config.database.as_service(store::SCHEMA);
        let pool = Pool::new(&database, store::SCHEMA)?;
        let connecting = patiently("the bus", || Bus::connect(&config.bus, "metrics-aggregator"));
        let bus = connecting.await.context("--nats-url")?;
        let settings = || pg::durability_problems(&database, store::SCHEMA);
        let mut problems = patiently("the database", settings).await?;
        problems.extend(bus.durability_problems(&config.monitor, None).await);
        config.durability.judge(problems)?;
        register_checks(health, &pool, &bus);
        let store = Store::new(pool);
        let retention = Retention::new(database, config.keep_numbers_days);
        let server = requests::serve(&bus, store.clone(), retention.clone()).await?;
        Ok(Self { bus, store, retention, server })
    }

    /// Folds events until the stop is asked for.
    ///
    /// # Errors
    /// When summing days, or dropping what is over its time, has panicked.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let tidying = tokio::spawn(tidy_up(self.store.clone(), self.retention, shutdown.clone()));
        reading::run(&self.bus, &self.store, &shutdown).await;
        self.server.stop().await;
        tidying.await?;
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

async fn tidy_up(store: Store, retention: Retention, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        if let Err(error) = sum_days(&store, &shutdown).await {
            tracing::warn!(%error, "days are still to be summed; the next round tries again");
        }
        if let Err(error) = retention.tidy_up(clock::now_ms()).await {
            tracing::warn!(%error, "what is over its time was not dropped; the next round tries again");
        }
        tokio::select! {
            () = tokio::time::sleep(RETENTION_EVERY) => {}
            () = shutdown.requested() => {}
        }
    }
}

/// Days from before there were numbers by day; none from the first time on.
async fn sum_days(store: &Store, shutdown: &Shutdown) -> Result<(), StoreError> {
    while !shutdown.is_requested() && store.sum_days().await? {}
    Ok(())
}
