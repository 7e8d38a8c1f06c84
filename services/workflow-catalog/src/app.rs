//! Puts the catalog together and runs it.

use std::sync::Arc;

use anyhow::Context;
use bus::Bus;
use bus::rpc::RunningServer;
use chrono::TimeDelta;
use pg::Pool;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::startup::patiently;

use crate::config::Config;
use crate::embedding::Embedder;
use crate::inbound;
use crate::store::{self, Store};
use crate::usecase::announce::Announcer;
use crate::usecase::erase::Eraser;
use crate::usecase::knowledge::meaning::Meaning;
use crate::usecase::knowledge::{embed, tidying};
use crate::usecase::repair;

/// A catalog that is ready to run.
pub struct App {
    announcer: Arc<Announcer>,
    eraser: Eraser,
    store: Store,
    embedder: Option<Embedder>,
    server: RunningServer,
}

impl App {
    /// Brings the tables up to date and connects everything. Requests are answered from here on.
    ///
    /// # Errors
    /// When the database or the bus cannot be reached.
    pub async fn build(config: Config, health: &Health) -> anyhow::Result<Self> {
        patiently("the database", || pg::migrate(&config.database, store::SCHEMA, store::MIGRATIONS)).await?;
        let database = config.database.as_service(store::SCHEMA);
        let pool = Pool::new(&database, store::SCHEMA)?;
        let connecting = patiently("the bus", || Bus::connect(&config.bus, "workflow-catalog"));
        let bus = connecting.await.context("--nats-url")?;
        let settings = || pg::durability_problems(&database, store::SCHEMA);
        let mut problems = patiently("the database", settings).await?;
        problems.extend(bus.durability_problems(&config.monitor, None).await);
        config.durability.judge(problems)?;
        register_checks(health, &pool, &bus);
        let store = Store::new(pool);
        let announcer = Arc::new(Announcer::new(bus.clone(), store.clone()));
        let after = TimeDelta::hours(i64::from(config.erase_after_hours));
        let eraser = Eraser::new(bus.clone(), store.clone(), after);
        let embedder = Embedder::new(&config.embedding)?;
        let meaning = Meaning::new(store.clone(), embedder.clone());
        let server = inbound::serve(&bus, store.clone(), &meaning, Arc::clone(&announcer)).await?;
        Ok(Self { announcer, eraser, store, embedder, server })
    }

    /// Answers requests, tells runners what they have not been told, and erases what was deleted, until the stop is asked
    /// for.
    ///
    /// # Errors
    /// When the repair or the erasing has panicked.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let repair = tokio::spawn(repair::run(self.announcer, shutdown.clone()));
        let erasing = tokio::spawn(self.eraser.run(shutdown.clone()));
        let embedding = self
            .embedder
            .map(|embedder| tokio::spawn(embed::run(self.store.clone(), embedder, shutdown.clone())));
        let tidying = tokio::spawn(tidying::run(self.store, shutdown.clone()));
        shutdown.requested().await;
        self.server.stop().await;
        tidying.await.context("the tidying has failed")?;
        if let Some(embedding) = embedding {
            embedding.await.context("the making of vectors has failed")?;
        }
        erasing.await.context("the erasing has failed")?;
        repair.await.context("the repair has failed")
    }
}

fn register_checks(health: &Health, pool: &Pool, bus: &Bus) {
    let (pool, bus) = (pool.clone(), bus.clone());
    health.register("catalog database", move || {
        let pool = pool.clone();
        Box::pin(async move { pool.check().await.map_err(|error| error.to_string()) })
    });
    health.register("catalog bus", move || {
        let bus = bus.clone();
        Box::pin(async move { bus.check().await.map_err(|error| error.to_string()) })
    });
}
