//! Each event counts once, however often it is published, read or interrupted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bus::publish::Outgoing;
use bus::{Bus, BusConfig, Layout, Topology};
use clap::Parser;
use contracts::subject;
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

const PATIENCE: Duration = Duration::from_secs(30);

struct Stack {
    nats: Nats,
    bus: Bus,
    database_url: String,
    workflow: WorkflowId,
}

struct Aggregator {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Aggregator {
    async fn stop(self) {
        self.shutdown.request();
        self.task.await.unwrap().unwrap();
    }
}

impl Stack {
    async fn start() -> Self {
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

    async fn aggregator(&self) -> Aggregator {
        let url = self.nats.url();
        let arguments = ["metrics-aggregator", "--database-url", &self.database_url, "--nats-url", &url];
        let app = App::build(Config::parse_from(arguments), &Health::new()).await.unwrap();
        let shutdown = Shutdown::new();
        Aggregator { task: tokio::spawn(app.run_until(shutdown.clone())), shutdown }
    }

    /// The events of one execution, as a runner publishes them.
    fn commit(&self, partition: u32, commit_no: u64, failed: bool) -> Vec<Outgoing> {
        let execution = ExecutionId::new(clock::new_uuid_v7());
        ["message.received", "message.sent", "workflow.completed"]
            .into_iter()
            .enumerate()
            .map(|(index, event_type)| {
                let event = json!([{
                    "type": event_type,
                    "data": {
                        "partition": partition, "commit_no": commit_no, "index": index, "channel": "web",
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
    async fn numbers(&self) -> [i64; 4] {
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

    async fn publish(&self, events: &[Outgoing]) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Err(error) = self.bus.publish_all(events).await {
            assert!(tokio::time::Instant::now() < deadline, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn counted(&self, expected: [i64; 4]) {
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
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_published_twice_count_once() {
    let stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    let commits: Vec<Vec<Outgoing>> = (1..=20).map(|no| stack.commit(3, no, no % 4 == 0)).collect();
    for commit in &commits {
        stack.publish(commit).await;
    }
    stack.counted([15, 5, 20, 20]).await;
    // A new owner tells again what it does not know to be told, then goes on.
    for commit in &commits[10..] {
        stack.publish(commit).await;
    }
    stack.publish(&stack.commit(3, 21, false)).await;
    stack.counted([16, 5, 21, 21]).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_and_a_restart_change_no_number() {
    let mut stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    let commits: Vec<Vec<Outgoing>> = (1..=11).map(|no| stack.commit(1, no, false)).collect();
    for commit in &commits[..10] {
        stack.publish(commit).await;
    }
    stack.nats.kill();
    stack.nats.start_again().unwrap();
    // What the broker had not written is gone; the runner tells it again.
    for commit in &commits {
        stack.publish(commit).await;
    }
    stack.counted([11, 0, 11, 11]).await;
    aggregator.stop().await;
    stack.publish(&stack.commit(2, 1, true)).await;
    let aggregator = stack.aggregator().await;
    stack.counted([11, 1, 12, 12]).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_aggregators_count_once() {
    let stack = Stack::start().await;
    let (one, two) = (stack.aggregator().await, stack.aggregator().await);
    for no in 1..=50 {
        stack.publish(&stack.commit(u32::try_from(no % 5).unwrap(), no, false)).await;
    }
    stack.counted([50, 0, 50, 50]).await;
    one.stop().await;
    stack.publish(&stack.commit(0, 55, false)).await;
    stack.counted([51, 0, 51, 51]).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_passed_over() {
    let stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    let nonsense = Outgoing {
        subject: subject::events(AccountId::named("default"), "message.sent"),
        headers: Vec::new(),
        payload: "{".into(),
    };
    stack.publish(&[nonsense]).await;
    stack.publish(&stack.commit(0, 1, false)).await;
    stack.counted([1, 0, 1, 1]).await;
    aggregator.stop().await;
}
