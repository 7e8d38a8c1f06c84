//! Puts the real database and the real bus into the partition loop, and runs it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bus::rpc::RunningServer;
use bus::{Bus, Layout};
use outbound::{ChatModel, HttpCaller};
use pg::Pool;
use platform::clock;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::startup::patiently;
use secrets::Sealer;
use tokio::task::JoinSet;

use crate::activities::{Answering, Calling, Workshop};
use crate::config::{Config, DoesActivities, Drill};
use crate::definitions::BusDefinitions;
use crate::inbound::{self, Desks};
use crate::partition::pulse::Pulse;
use crate::partition::worker::{Worker, WorkerConfig};
use crate::store::dead_letters::DeadLetters;
use crate::store::erase::Erasing;
use crate::store::read::Reads;
use crate::store::republish::Republishing;
use crate::store::{self, Maintenance, PgStore, Retention};
use crate::stuck;
use crate::transport::BusTransport;
use crate::usecase::dead_letters::LetterDesk;
use crate::usecase::find_message::MessageFinder;
use crate::watchdog::Watchdog;

/// Pause between rounds of tidying up.
const MAINTENANCE_EVERY: Duration = Duration::from_mins(1);

/// An execution runner that is ready to run.
pub struct App {
    workers: Vec<Worker<PgStore, BusTransport, BusDefinitions>>,
    pulses: Vec<Arc<Pulse>>,
    lease: Duration,
    maintenance: Maintenance,
    watchdog: Watchdog,
    workshop: Option<Workshop>,
    server: RunningServer,
}

impl App {
    /// Brings the tables and streams up to date and connects everything. Requests of other services are answered from
    /// here on, turns run with [`App::run_until`].
    ///
    /// # Errors
    /// When the database or the bus cannot be reached, or this installation has another number of partitions.
    pub async fn build(config: Config, health: &Health) -> anyhow::Result<Self> {
        let runner = &config.runner;
        let kept = config.keep.kept(runner.deduplication_days)?;
        let (partitions, groups) = (runner.partitions, runner.partition_groups);
        patiently("the database", || pg::migrate(&config.database, store::SCHEMA, store::MIGRATIONS)).await?;
        let database = config.database.as_service(store::SCHEMA);
        store::prepare(&database, partitions, groups).await?;
        let connecting = patiently("the bus", || Bus::connect(&config.bus, "execution-runner"));
        let bus = connecting.await.context("--nats-url")?;
        let replicas = Some(config.topology.stream_replicas);
        let settings = || pg::durability_problems(&database, store::SCHEMA);
        let mut problems = patiently("the database", settings).await?;
        problems.extend(bus.durability_problems(&config.monitor, replicas).await);
        // Before anything is made that could not be changed later.
        config.durability.judge(problems)?;
        let layout = Layout { partitions, groups };
        patiently("the streams", || bus.ensure_topology(&config.topology, layout)).await?;
        let pool = Pool::new(&database, store::SCHEMA)?;
        register_checks(health, &pool, &bus);
        let reads = Reads::new(pool.clone());
        let activity_reads = reads.clone();
        let finder = MessageFinder::new(
            reads.clone(),
            bus.clone(),
            partitions,
            store::deduplication_ms(runner.deduplication_days),
        );
        let retention = Retention::new(database.clone(), kept);
        let desks = Desks {
            reads: reads.clone(),
            finder,
            letters: LetterDesk::new(DeadLetters::new(pool.clone(), reads), &bus, groups),
            erasing: Erasing::new(pool.clone()),
            republishing: Republishing::new(pool),
            retention: retention.clone(),
        };
        let server = inbound::serve(&bus, desks).await?;
        let workshop = match runner.activities {
            DoesActivities::Off => None,
            DoesActivities::On | DoesActivities::Only => {
                let model = ChatModel::new(&config.model).context("--llm-url")?;
                let answering = Answering::new(bus.clone(), activity_reads, model);
                let caller = HttpCaller::new(&config.outbound)?;
                let sealer = Sealer::new(&config.secrets).context("--secrets-key")?;
                Some(Workshop::new(bus.clone(), groups, answering, Calling::new(bus.clone(), caller, sealer)))
            }
        };
        let id = clock::new_uuid_v7();
        let name = if runner.runner_name.is_empty() { id.to_string() } else { runner.runner_name.clone() };
        let mut pulses = Vec::new();
        let owned_groups = if runner.activities == DoesActivities::Only { 0 } else { groups };
        let workers = (0..owned_groups)
            .map(|group| {
                let pulse = Arc::new(Pulse::default());
                pulses.push(Arc::clone(&pulse));
                let worker = WorkerConfig {
                    runner: id,
                    runner_name: name.clone(),
                    group,
                    lease: runner.lease(),
                    renew_every: runner.renew_every(),
                    batch_inputs_max: usize::try_from(runner.batch_inputs_max).unwrap_or(usize::MAX),
                    return_after_ms: runner.return_after_ms(),
                    drill: runner.fault_drill == Drill::On,
                    pulse: Arc::clone(&pulse),
                };
                let store = PgStore::new(database.clone(), group, runner.deduplication_days);
                let transport = BusTransport::new(bus.clone(), group);
                let definitions = BusDefinitions::new(bus.clone());
                Worker::new(worker, store, transport, definitions, Arc::new(clock::now_ms))
            })
            .collect();
        let maintenance = Maintenance::new(database, retention);
        let watchdog = Watchdog::new(bus, config.topology, layout);
        let lease = runner.lease();
        Ok(Self { workers, pulses, lease, maintenance, watchdog, workshop, server })
    }

    /// Runs turns until the stop is asked for, then hands the partitions over.
    ///
    /// # Errors
    /// When a partition loop has panicked; its partitions go to others when their lease is over.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        stuck::watch(self.pulses, self.lease, &shutdown)?;
        let mut loops = JoinSet::new();
        for worker in self.workers {
            loops.spawn(worker.run(shutdown.clone()));
        }
        let tidying = tokio::spawn(tidy_up(self.maintenance, shutdown.clone()));
        let watching = tokio::spawn(self.watchdog.run(shutdown.clone()));
        let doing = self.workshop.map(|workshop| tokio::spawn(workshop.run(shutdown.clone())));
        let owns_nothing = loops.is_empty();
        let mut result = Ok(());
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = ended {
                // A process that silently owns nothing helps nobody: it ends, and is started again.
                tracing::error!(%error, "a partition loop has failed");
                result = Err(error).context("a partition loop has failed");
                shutdown.request();
            }
        }
        if owns_nothing {
            shutdown.requested().await;
        }
        self.server.stop().await;
        if let Some(doing) = doing {
            doing.await?;
        }
        tidying.await?;
        watching.await?;
        result
    }
}

fn register_checks(health: &Health, pool: &Pool, bus: &Bus) {
    let (pool, bus) = (pool.clone(), bus.clone());
    health.register("runner database", move || {
        let pool = pool.clone();
        Box::pin(async move { pool.check().await.map_err(|error| error.to_string()) })
    });
    health.register("runner bus", move || {
        let bus = bus.clone();
        Box::pin(async move { bus.check().await.map_err(|error| error.to_string()) })
    });
}

async fn tidy_up(maintenance: Maintenance, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        if let Err(error) = maintenance.run_once(clock::now_ms()).await {
            tracing::warn!(%error, "tidying up did not work; the next round tries again");
        }
        tokio::select! {
            () = tokio::time::sleep(MAINTENANCE_EVERY) => {}
            () = shutdown.requested() => {}
        }
    }
}
