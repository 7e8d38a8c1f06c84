//! An aggregator on a real database and a real broker.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

pub mod history;

use std::time::Duration;

use bus::publish::Outgoing;
use bus::{Bus, BusConfig, Layout, Topology};
use clap::Parser;
use contracts::{subject, v1};
use flow_model::{AccountId, ExecutionId, WorkflowId};
use local_stack::Nats;
use local_stack::testing::TestDatabase;
use metrics_aggregator::store::{MIGRATIONS, SCHEMA};
use metrics_aggregator::{App, Config};
use pg::PgConfig;
use platform::clock;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use serde_json::json;
use tokio::task::JoinHandle;

pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stack {
    pub nats: Nats,
    pub bus: Bus,
    pub database_url: String,
    pub workflow: WorkflowId,
}

pub struct Aggregator {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Aggregator {
    pub async fn stop(self) {
        self.shutdown.request();
        self.task.await.unwrap().unwrap();
    }
}

impl Stack {
    pub async fn start() -> Self {
        let database = TestDatabase::create("metrics", |url| async move {
            pg::migrate(&PgConfig::for_url(&url), SCHEMA, MIGRATIONS).await.unwrap();
        })
        .await
        .unwrap();
        let nats = Nats::ephemeral().unwrap();
        let bus = Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.unwrap();
        bus.ensure_topology(&Topology::default(), Layout { partitions: 8, groups: 1 }).await.unwrap();
        let workflow = WorkflowId::new(clock::new_uuid_v7());
        Self { nats, bus, database_url: database.url().to_owned(), workflow }
    }

    pub async fn aggregator(&self) -> Aggregator {
        // Tests have dates of their own.
        self.aggregator_that_keeps("forever").await
    }

    pub async fn aggregator_that_keeps(&self, days: &str) -> Aggregator {
        let url = self.nats.url();
        let arguments = [
            "metrics-aggregator",
            "--database-url",
            &self.database_url,
            "--nats-url",
            &url,
            "--keep-numbers-days",
            days,
        ];
        let app = App::build(Config::parse_from(arguments), &Health::new()).await.unwrap();
        let shutdown = Shutdown::new();
        Aggregator { task: tokio::spawn(app.run_until(shutdown.clone())), shutdown }
    }

    /// The events of one execution, as a runner publishes them.
    pub fn commit(&self, partition: u32, commit_no: u64, failed: bool) -> Vec<Outgoing> {
        let execution = ExecutionId::new(clock::new_uuid_v7());
        ["message.received", "message.sent", "workflow.completed"]
            .into_iter()
            .enumerate()
            .map(|(index, event_type)| {
                let event = json!([{
                    "type": event_type, "time": "2026-11-24T10:30:00.000Z",
                    "data": {
                        "partition": partition, "commit_no": commit_no, "index": index, "channel": "web", "customer_id": "ann",
                        "workflow_id": self.workflow.to_string(), "execution_id": execution.to_string(),
                        "status": if failed { "failed" } else { "success" }, "duration_ms": 10
                    }
                }]);
                Outgoing {
                    subject: subject::events(AccountId::named("default"), event_type),
                    headers: Vec::new(),
                    payload: event.to_string().into(),
                }
            })
            .collect()
    }

    /// Succeeded, failed, received, sent.
    pub async fn numbers(&self) -> [i64; 4] {
        let client = pg::raw::connect(&PgConfig::for_url(&self.database_url), SCHEMA).await.unwrap();
        let row = client
            .query_one(
                "SELECT COALESCE(sum(succeeded), 0)::bigint, COALESCE(sum(failed), 0)::bigint,
                    COALESCE(sum(messages_received), 0)::bigint, COALESCE(sum(messages_sent), 0)::bigint FROM rollups",
                &[],
            )
            .await
            .unwrap();
        [row.get(0), row.get(1), row.get(2), row.get(3)]
    }

    pub async fn publish(&self, events: &[Outgoing]) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Err(error) = self.bus.publish_all(events).await {
            assert!(tokio::time::Instant::now() < deadline, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn counted(&self, expected: [i64; 4]) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let numbers = self.numbers().await;
            if numbers == expected {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{numbers:?} instead of {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until so many executions have succeeded and failed, counted over all workflows.
    pub async fn ended(&self, expected: [i64; 2]) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let [succeeded, failed, ..] = self.numbers().await;
            if [succeeded, failed] == expected {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{succeeded}, {failed} instead of {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the aggregator.
    pub async fn metrics(
        &self,
        workflow: WorkflowId,
        span: (i64, i64),
        granularity: v1::Granularity,
        timezone: &str,
    ) -> v1::GetMetricsResponse {
        let request = v1::GetMetricsRequest {
            account_id: AccountId::named("default").to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            start_ms: span.0,
            end_ms: span.1,
            granularity: granularity.into(),
            timezone: timezone.to_owned(),
        };
        self.bus.rpc().call(subject::metrics::GET, &request, PATIENCE).await.unwrap()
    }
}
