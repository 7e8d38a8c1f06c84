//! A gateway on a real database and a real broker; the services behind it are stand-ins that speak their protocol.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

use std::time::Duration;

use bus::rpc::{RunningServer, Server};
use bus::{Bus, BusConfig, Layout, Topology};
use clap::Parser;
use contracts::{subject, v1};
use gateway::key::{ApiKey, Level};
use gateway::store::{DEFAULT_ACCOUNT, MIGRATIONS, SCHEMA, Store};
use gateway::{App, Config};
use local_stack::Nats;
use local_stack::testing::TestDatabase;
use pg::{PgConfig, Pool};
use platform::health::Health;
use platform::lifecycle::Shutdown;
use testkit::Api;

pub struct Gateway {
    pub nats: Nats,
    pub bus: Bus,
    pub health: Health,
    pub store: Store,
    pub database_url: String,
    pub base: String,
    behind: Option<RunningServer>,
    shutdown: Shutdown,
    task: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
}

impl Gateway {
    pub async fn start() -> Self {
        let database = TestDatabase::create("gateway", |url| async move {
            pg::migrate(&PgConfig::for_url(&url), SCHEMA, MIGRATIONS).await.unwrap();
        })
        .await
        .unwrap();
        Self::on(database.url(), &[]).await
    }

    pub async fn on(database_url: &str, settings: &[&str]) -> Self {
        let nats = Nats::ephemeral().unwrap();
        let url = nats.url();
        let bus = Bus::connect(&BusConfig::for_url(&url), "test").await.unwrap();
        bus.ensure_topology(&Topology::default(), Layout { partitions: 8, groups: 1 }).await.unwrap();
        let arguments =
            ["gateway", "--listen", "127.0.0.1:0", "--database-url", database_url, "--nats-url", &url];
        let config = Config::parse_from(arguments.iter().chain(settings));
        let health = Health::new();
        let app = App::build(config, &health).await.unwrap();
        let base = format!("http://{}", app.local_addr());
        let shutdown = Shutdown::new();
        let task = Some(tokio::spawn(app.run_until(shutdown.clone())));
        let store = Store::new(Pool::new(&PgConfig::for_url(database_url), SCHEMA).unwrap());
        let gateway = Self {
            nats,
            bus,
            health,
            store,
            database_url: database_url.to_owned(),
            base,
            behind: None,
            shutdown,
            task,
        };
        testkit::eventually("the gateway is ready", || async {
            gateway.health.failures().await.is_empty().then_some(())
        })
        .await;
        gateway
    }

    /// A catalog without workflows.
    pub async fn with_catalog(self) -> Self {
        self.behind_it(|server| {
            server
                .handle(subject::catalog::LIST, |_: v1::ListWorkflowsRequest| async {
                    Ok(v1::ListWorkflowsResponse::default())
                })
                .handle(subject::catalog::GET, |_: v1::GetWorkflowsRequest| async {
                    Ok(v1::GetWorkflowsResponse::default())
                })
                .handle(subject::runner::WORKFLOW_TOTALS, |_: v1::WorkflowTotalsRequest| async {
                    Ok(v1::WorkflowTotalsResponse::default())
                })
        })
        .await
    }

    /// Something that answers in the place of the services.
    pub async fn behind_it(mut self, answers: impl FnOnce(Server) -> Server) -> Self {
        self.behind = Some(answers(Server::new(&self.bus, "stand-in")).start().await.unwrap());
        self
    }

    pub async fn key(&self, level: Level) -> (Api, ApiKey) {
        let key = ApiKey::generate();
        self.store.add_key(DEFAULT_ACCOUNT, "test", level, &key).await.unwrap();
        (Api::new(&self.base, key.expose()), key)
    }

    pub async fn sql(&self, statement: &str) {
        let client = pg::raw::connect(&PgConfig::for_url(&self.database_url), SCHEMA).await.unwrap();
        client.batch_execute(statement).await.unwrap();
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        let client = pg::raw::connect(&PgConfig::for_url(&self.database_url), SCHEMA).await.unwrap();
        client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    }

    /// As SIGTERM does.
    pub async fn stop(&mut self) {
        self.shutdown.request();
        let task = self.task.take().unwrap();
        tokio::time::timeout(Duration::from_mins(1), task).await.unwrap().unwrap().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}
