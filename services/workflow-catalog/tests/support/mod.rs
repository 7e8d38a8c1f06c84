//! A catalog on a real database and a real broker, without runners.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

pub mod knowledge;

use std::time::Duration;

use bus::rpc::CallError;
use bus::{Bus, BusConfig, Layout, Topology, frames};
use bytes::Bytes;
use clap::Parser;
use contracts::ErrorCode;
use contracts::subject::{self, catalog};
use contracts::v1::{self, Failure};
use flow_model::{AccountId, WorkflowId};
use local_stack::Nats;
use local_stack::testing::TestDatabase;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use prost::Message;
use serde_json::{Value, json};
use workflow_catalog::store::{MIGRATIONS, SCHEMA};
use workflow_catalog::{App, Config};

pub const GROUPS: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Catalog {
    pub bus: Bus,
    pub account: AccountId,
    pub database_url: String,
    shutdown: Shutdown,
    nats: Nats,
}

impl Drop for Catalog {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

impl Catalog {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings.
    pub async fn with(settings: &[&str]) -> Self {
        let database = TestDatabase::create("catalog", |url| async move {
            pg::migrate(&pg::PgConfig::for_url(&url), SCHEMA, MIGRATIONS).await.unwrap();
        })
        .await
        .unwrap();
        let nats = Nats::ephemeral().unwrap();
        let url = nats.url();
        let bus = Bus::connect(&BusConfig::for_url(&url), "test").await.unwrap();
        let arguments = ["workflow-catalog", "--database-url", database.url(), "--nats-url", &url];
        let config = Config::parse_from(arguments.iter().chain(settings));
        let app = App::build(config, &Health::new()).await.unwrap();
        let shutdown = Shutdown::new();
        tokio::spawn(app.run_until(shutdown.clone()));
        let database_url = database.url().to_owned();
        let catalog = Self { bus, account: AccountId::named("default"), database_url, shutdown, nats };
        catalog.set_streams_up().await;
        catalog
    }

    /// As the first runner does.
    pub async fn set_streams_up(&self) {
        let layout = Layout { partitions: 8, groups: GROUPS };
        self.bus.ensure_topology(&Topology::default(), layout).await.unwrap();
    }

    /// As a broker does that has lost everything.
    pub async fn remove_streams(&self) {
        for group in 0..GROUPS {
            self.bus.delete_stream(&subject::turns_stream(group)).await.unwrap();
        }
    }

    pub async fn make_streams_again(&self) {
        self.remove_streams().await;
        self.set_streams_up().await;
    }

    pub async fn call<Req: Message, Resp: Message + Default>(
        &self,
        subject: &'static str,
        request: &Req,
    ) -> Result<Resp, Failure> {
        self.bus.rpc().call(subject, request, PATIENCE).await.map_err(|error| match error {
            CallError::Refused(failure) => failure,
            other => unreachable!("{other}"),
        })
    }

    pub async fn try_create(&self, body: &Value) -> Result<v1::Workflow, Failure> {
        let request = v1::CreateWorkflowRequest {
            account_id: self.account.to_vec().into(),
            body_json: body.to_string().into(),
        };
        self.call(catalog::CREATE, &request).await
    }

    pub async fn create(&self, name: &str) -> Bytes {
        self.try_create(&workflow(name)).await.unwrap().id
    }

    pub async fn get(&self, id: &Bytes) -> Result<v1::Workflow, Failure> {
        let mut found = self.get_many(vec![id.clone()]).await?;
        found.workflows.pop().ok_or_else(|| Failure::of(ErrorCode::WorkflowNotFound))
    }

    pub async fn get_many(&self, workflow_ids: Vec<Bytes>) -> Result<v1::GetWorkflowsResponse, Failure> {
        let request = v1::GetWorkflowsRequest { account_id: self.account.to_vec().into(), workflow_ids };
        self.call(catalog::GET, &request).await
    }

    pub async fn update(&self, id: &Bytes, body: &Value, if_match: &str) -> Result<v1::Workflow, Failure> {
        let request = v1::UpdateWorkflowRequest {
            account_id: self.account.to_vec().into(),
            workflow_id: id.clone(),
            body_json: body.to_string().into(),
            if_match: if_match.to_owned(),
        };
        self.call(catalog::UPDATE, &request).await
    }

    pub async fn activate(&self, id: &Bytes) -> Result<v1::Workflow, Failure> {
        let request =
            v1::ActivateWorkflowRequest { account_id: self.account.to_vec().into(), workflow_id: id.clone() };
        self.call(catalog::ACTIVATE, &request).await
    }

    pub async fn deactivate(&self, id: &Bytes, cancel_waiting: bool) -> Result<v1::Workflow, Failure> {
        let request = v1::DeactivateWorkflowRequest {
            account_id: self.account.to_vec().into(),
            workflow_id: id.clone(),
            cancel_waiting,
        };
        self.call(catalog::DEACTIVATE, &request).await
    }

    pub async fn delete(&self, id: &Bytes, if_match: &str) -> Result<v1::DeleteWorkflowResponse, Failure> {
        let request = v1::DeleteWorkflowRequest {
            account_id: self.account.to_vec().into(),
            workflow_id: id.clone(),
            if_match: if_match.to_owned(),
        };
        self.call(catalog::DELETE, &request).await
    }

    /// The markers in a group's stream, in order.
    pub async fn markers(&self, group: u32) -> Vec<v1::CatalogMarker> {
        let Ok(stream) = frames::stream(&self.bus, group).await else { return Vec::new() };
        let mut markers = Vec::new();
        let show = |frame: bus::reader::StreamMessage| {
            markers.extend(v1::Frame::decode(frame.payload).unwrap().markers);
            false
        };
        frames::scan(&self.bus, group, (1, stream.last_seq), usize::MAX, show).await.unwrap();
        markers
    }

    pub async fn definition(&self, id: &Bytes, revision: u32) -> Option<v1::Definition> {
        self.bus.definitions().get(WorkflowId::from_slice(id).unwrap(), revision).await.unwrap()
    }
}

pub fn configuration() -> Value {
    json!({
        "trigger": {"type": "message", "keywords": ["hello"]},
        "nodes": [{"id": "hi", "type": "message", "content": "Hi {{ customer.id }}"}]
    })
}

pub fn workflow(name: &str) -> Value {
    json!({"name": name, "channel": "web", "configuration": configuration()})
}

pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "this did not come true: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
