//! Runners on a real PostgreSQL and a real nats-server, fed as the gateway and the catalog feed them.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

use std::time::Duration;

use bus::frames::Writer;
use bus::{Bus, BusConfig, Layout};
use clap::Parser;
use contracts::{partition, subject, v1};
use execution_runner::store::{self, Kept, MIGRATIONS, Maintenance, Retention, SCHEMA};
use execution_runner::{App, Config};
use flow_model::{AccountId, ExecutionId, WorkflowId};
use futures::StreamExt;
use local_stack::Nats;
use local_stack::testing::TestDatabase;
use pg::PgConfig;
use platform::health::Health;
use platform::keep::Keep;
use platform::lifecycle::Shutdown;
use prost::Message;
use tokio::task::JoinHandle;

pub const PARTITIONS: u32 = 8;
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Nothing is ever over its time.
pub const KEPT_FOR_EVER: Kept = Kept {
    executions: Keep::FOREVER,
    notes: Keep::FOREVER,
    dead_letters: Keep::FOREVER,
    open_dead_letters: Keep::FOREVER,
    message_keys: Keep::FOREVER,
};

pub struct Stack {
    pub nats: Nats,
    pub database_url: String,
    pub bus: Bus,
    pub writer: Writer,
    pub account: AccountId,
}

impl Stack {
    pub async fn start() -> Self {
        let database = TestDatabase::create("runner", |url| async move {
            pg::migrate(&PgConfig::for_url(&url), SCHEMA, MIGRATIONS).await.unwrap();
        })
        .await
        .unwrap();
        Self::on(database.url().to_owned()).await
    }

    pub async fn on(database_url: String) -> Self {
        let nats = Nats::ephemeral().unwrap();
        let bus = Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.unwrap();
        let layout = Layout { partitions: PARTITIONS, groups: 1 };
        bus.ensure_topology(&bus::Topology::default(), layout).await.unwrap();
        let writer = Writer::start(&bus, 0);
        Self { nats, database_url, bus, writer, account: AccountId::named("default") }
    }

    pub async fn runner(&self, name: &str) -> Runner {
        self.runner_with(name, &[]).await
    }

    /// A runner that does what texts such as `drill:panic` say.
    pub async fn drilled_runner(&self, name: &str) -> Runner {
        self.runner_with(name, &["--fault-drill", "on"]).await
    }

    /// A runner with more flags.
    pub async fn runner_with(&self, name: &str, more: &[&str]) -> Runner {
        let nats_url = self.nats.url();
        let partitions = PARTITIONS.to_string();
        let own = [
            "execution-runner",
            "--database-url",
            &self.database_url,
            "--nats-url",
            &nats_url,
            "--partitions",
            &partitions,
            "--runner-name",
            name,
            "--lease-ms",
            "2000",
            "--lease-renewal-ms",
            "300",
        ];
        let config = Config::parse_from(own.iter().chain(more));
        let app = App::build(config, &Health::new()).await.unwrap();
        let shutdown = Shutdown::new();
        let task = tokio::spawn(app.run_until(shutdown.clone()));
        Runner { shutdown, task: Some(task) }
    }

    /// As the catalog does: the definition first, then the marker.
    pub async fn activate(&self, workflow: WorkflowId, configuration: &serde_json::Value) {
        let configuration_json = serde_json::to_vec(configuration).unwrap().into();
        let definition = v1::Definition {
            account_id: self.account.to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            revision: 1,
            configuration_json,
            channel: "web".to_owned(),
        };
        self.bus.definitions().put(workflow, &definition).await.unwrap();
        self.mark(workflow, 1, v1::WorkflowStatus::Active, configuration, 0).await;
    }

    pub async fn mark(
        &self,
        workflow: WorkflowId,
        state_no: u64,
        status: v1::WorkflowStatus,
        configuration: &serde_json::Value,
        cancel_before_state_no: u64,
    ) {
        let keywords = configuration["trigger"]["keywords"].as_array().unwrap();
        let marker = v1::CatalogMarker {
            account_id: self.account.to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            state_no,
            status: status.into(),
            revision: 1,
            channels: vec!["web".to_owned()],
            keywords: keywords.iter().map(|keyword| keyword.as_str().unwrap().to_owned()).collect(),
            activated_at_ms: platform::clock::now_ms(),
            cancel_before_state_no,
        };
        self.writer.append_markers(vec![marker]).await.unwrap();
    }

    pub fn message(&self, customer: &str, message_id: &str, text: &str) -> v1::Input {
        let execution = ExecutionId::new(platform::clock::new_uuid_v7());
        v1::Input {
            partition: partition::of_customer(self.account, customer, PARTITIONS),
            account_id: self.account.to_vec().into(),
            execution_id: execution.to_vec().into(),
            customer_id: customer.to_owned(),
            channel: "web".to_owned(),
            accepted_at_ms: execution.accepted_at_ms(),
            traceparent: String::new(),
            answer_to: String::new(),
            kind: Some(v1::input::Kind::Message(v1::InboundMessage {
                message_id: message_id.to_owned(),
                text: text.to_owned(),
                ..v1::InboundMessage::default()
            })),
        }
    }

    /// Sends inputs and waits for what became of each, in their order.
    pub async fn ask(&self, inputs: Vec<v1::Input>) -> Vec<v1::Answer> {
        let answer_to = subject::answers(&platform::clock::new_uuid_v4().simple().to_string());
        let mut heard = self.bus.subscribe_answers(&answer_to).await.unwrap();
        let ids: Vec<_> = inputs.iter().map(|input| input.execution_id.clone()).collect();
        for mut input in inputs {
            input.answer_to.clone_from(&answer_to);
            self.writer.append(input).await.unwrap();
        }
        let mut answers = std::collections::HashMap::new();
        while answers.len() < ids.len() {
            let answer = tokio::time::timeout(PATIENCE, heard.next()).await.unwrap().unwrap();
            answers.insert(answer.input_execution_id.clone(), answer);
        }
        ids.iter().map(|id| answers.remove(id).unwrap()).collect()
    }

    pub async fn say(&self, customer: &str, message_id: &str, text: &str) -> v1::Answer {
        self.ask(vec![self.message(customer, message_id, text)]).await.remove(0)
    }

    pub async fn call<Req: Message, Resp: Message + Default>(
        &self,
        subject: &'static str,
        request: &Req,
    ) -> Resp {
        self.bus.rpc().call(subject, request, PATIENCE).await.unwrap()
    }

    pub async fn list(&self, request: v1::ListExecutionsRequest) -> v1::ListExecutionsResponse {
        self.call(subject::runner::LIST_EXECUTIONS, &request).await
    }

    pub fn list_of(&self, workflow: WorkflowId) -> v1::ListExecutionsRequest {
        v1::ListExecutionsRequest {
            account_id: self.account.to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            page: 1,
            limit: 20,
            ..v1::ListExecutionsRequest::default()
        }
    }

    pub async fn sql(&self) -> tokio_postgres::Client {
        pg::raw::connect(&PgConfig::for_url(&self.database_url), store::SCHEMA).await.unwrap()
    }

    /// What a runner with these settings does once a minute.
    pub fn maintenance(&self, kept: Kept) -> Maintenance {
        let config = PgConfig::for_url(&self.database_url);
        Maintenance::new(config.clone(), Retention::new(config, kept))
    }

    pub async fn owners(&self) -> Vec<(Option<uuid::Uuid>, i64)> {
        let rows = self
            .sql()
            .await
            .query(
                "SELECT owner, count(*) FROM partitions WHERE expires_at > now() GROUP BY 1 ORDER BY 1",
                &[],
            )
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// A runner inside the test's process.
pub struct Runner {
    shutdown: Shutdown,
    task: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Runner {
    /// As SIGTERM does.
    pub async fn stop(mut self) {
        self.shutdown.request();
        self.task.take().unwrap().await.unwrap().unwrap();
    }

    /// As kill -9 does, for its partition loops: nothing is finished or handed over.
    pub fn kill(mut self) {
        self.task.take().unwrap().abort();
    }
}

/// Waits until the condition holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn greet() -> serde_json::Value {
    serde_json::json!({
        "trigger": {"type": "message", "keywords": ["hello"]},
        "nodes": [{"id": "hi", "type": "message", "content": "Hi {{ customer.id }}, you said {{ message.text }}"}]
    })
}

pub fn ask_name() -> serde_json::Value {
    serde_json::json!({
        "trigger": {"type": "message", "keywords": ["start"]},
        "nodes": [
            {"id": "ask", "type": "form", "fields": [{"name": "name", "type": "text", "required": true, "label": "Name?"}], "next": "thanks"},
            {"id": "thanks", "type": "message", "content": "Thanks {{ vars.name }}"}
        ]
    })
}

pub fn workflow() -> WorkflowId {
    WorkflowId::new(platform::clock::new_uuid_v7())
}

pub fn texts(answer: &v1::Answer) -> Vec<String> {
    let record = answer.execution.as_ref().and_then(|execution| execution.record.as_ref());
    record.map(|record| record.replies.iter().map(|reply| reply.text.clone()).collect()).unwrap_or_default()
}
