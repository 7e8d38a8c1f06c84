//! The whole product in the test's process, on a database and a nats-server of its own.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

pub mod answering;
pub mod attempts;
pub mod process;

use std::net::SocketAddr;

use clap::Parser;
use contracts::{partition, v1};
use execution_runner::partition::port::message_key;
use flow_model::{AccountId, ConversationId, DeadLetterId, ExecutionId};
use gateway::Switch;
use gateway::key::{ApiKey, Level};
use local_stack::Nats;
use local_stack::testing::TestDatabase;
use pg::{PgConfig, Pool};
use platform::health::Health;
use platform::lifecycle::Shutdown;
use prost::Message;
use secrecy::SecretString;
use testkit::{Api, eventually};
use tokio::task::JoinHandle;
use turnloom::services::{Services, Settings};

pub struct Product {
    pub nats: Nats,
    pub database_url: String,
    pub api: Api,
    pub key: String,
    /// What secrets are sealed with.
    pub secrets_key: SecretString,
    /// Of all services together.
    pub health: Health,
    rate_limits: Switch,
    /// Settings of the runner beyond those of all services.
    runner_settings: Vec<String>,
    running: Vec<Running>,
}

struct Running {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Product {
    /// Everything, ready to take requests, as many as come.
    pub async fn start() -> Self {
        Self::with_rate_limits(Switch::Off).await
    }

    /// The same, with limits or without.
    pub async fn with_rate_limits(rate_limits: Switch) -> Self {
        let database =
            TestDatabase::create("product", |url| async move { migrate(&url).await }).await.unwrap();
        Self::on(database.url().to_owned(), rate_limits).await
    }

    /// The same with settings of the runner, such as `--llm-url` and its value.
    pub async fn with_runner(runner_settings: &[&str]) -> Self {
        let database =
            TestDatabase::create("product", |url| async move { migrate(&url).await }).await.unwrap();
        let runner_settings = runner_settings.iter().map(ToString::to_string).collect();
        Self::build(database.url().to_owned(), Switch::Off, runner_settings).await
    }

    /// The same on a database that may be empty.
    pub async fn on(database_url: String, rate_limits: Switch) -> Self {
        Self::build(database_url, rate_limits, Vec::new()).await
    }

    async fn build(database_url: String, rate_limits: Switch, runner_settings: Vec<String>) -> Self {
        let nats = Nats::ephemeral().unwrap();
        let key = ApiKey::generate().expose().to_owned();
        let api = Api::new("http://127.0.0.1:0", &key);
        let health = Health::new();
        let secrets_key = secrets::new_key().unwrap();
        let mut product = Self {
            nats,
            database_url,
            api,
            key,
            secrets_key,
            health,
            rate_limits,
            runner_settings,
            running: Vec::new(),
        };
        product.start_services().await;
        product
    }

    async fn start_services(&mut self) {
        let settings = Settings {
            database_url: self.database_url.clone(),
            nats_url: self.nats.url(),
            nats_monitor_url: self.nats.monitor_url(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_key: self.key.clone(),
            secrets_key: self.secrets_key.clone(),
            rate_limits: self.rate_limits,
        };
        self.health = Health::new();
        let services = Services::build_with(&settings, &self.runner_settings, &self.health).await.unwrap();
        self.api = Api::new(format!("http://{}", services.address()), &self.key);
        let shutdown = Shutdown::new();
        let task = tokio::spawn(services.run_until(shutdown.clone()));
        self.running.push(Running { shutdown, task });
        ready(&self.api).await;
    }

    /// Stops all services in order and starts them again on the same data.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_services().await;
    }

    /// One more gateway.
    pub async fn gateway(&mut self) -> Api {
        self.gateway_with(&[]).await
    }

    /// One more gateway with these settings.
    pub async fn gateway_with(&mut self, own: &[&str]) -> Api {
        let (database_url, nats_url) = (&self.database_url, self.nats.url());
        let arguments = [
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            database_url,
            "--nats-url",
            &nats_url,
            "--rate-limits",
            "off",
        ];
        let config = gateway::Config::parse_from(arguments.iter().chain(own));
        let app = gateway::App::build(config, &Health::new()).await.unwrap();
        let api = Api::new(format!("http://{}", app.local_addr()), &self.key);
        let shutdown = Shutdown::new();
        let task = tokio::spawn(app.run_until(shutdown.clone()));
        self.running.push(Running { shutdown, task });
        ready(&api).await;
        api
    }

    /// A key of this level for an account, which is made when it is not there.
    pub async fn key_of(&self, account: &str, level: Level) -> Api {
        let pool = Pool::new(&PgConfig::for_url(&self.database_url), gateway::store::SCHEMA).unwrap();
        let key = ApiKey::generate();
        gateway::store::Store::new(pool).add_key(account, "test", level, &key).await.unwrap();
        self.api.with_key(key.expose())
    }

    /// A connection to the database of all services, at the runner's tables.
    pub async fn client(&self) -> tokio_postgres::Client {
        let config = PgConfig::for_url(&self.database_url);
        pg::raw::connect(&config, execution_runner::store::SCHEMA).await.unwrap()
    }

    /// Runs SQL in the database of all services.
    pub async fn sql(&self, statements: &str) {
        self.client().await.batch_execute(statements).await.unwrap();
    }

    /// Puts a customer's message aside, as if it had failed too often; gives the dead letter's id.
    pub async fn bury(&self, customer: &str, message_id: &str, text: &str) -> String {
        let account = AccountId::named("default");
        let (execution, letter) = (platform::clock::new_uuid_v7(), platform::clock::new_uuid_v7());
        let input = v1::Input {
            partition: partition::of_customer(account, customer, partition::PARTITIONS_DEFAULT),
            account_id: account.to_vec().into(),
            execution_id: execution.as_bytes().to_vec().into(),
            customer_id: customer.to_owned(),
            channel: "web".to_owned(),
            accepted_at_ms: ExecutionId::new(execution).accepted_at_ms(),
            kind: Some(v1::input::Kind::Message(v1::InboundMessage {
                message_id: message_id.to_owned(),
                text: text.to_owned(),
                ..v1::InboundMessage::default()
            })),
            ..v1::Input::default()
        };
        let key = message_key(ConversationId::of(account, "web", customer), message_id);
        let config = PgConfig::for_url(&self.database_url);
        let client = pg::raw::connect(&config, execution_runner::store::SCHEMA).await.unwrap();
        client
            .execute(
                "INSERT INTO dead_letters (incarnation, grp, seq, position, payload, error, attempts, id, kind, account_id, channel,
                 customer_id, message_id, message_key, execution_id)
                 SELECT 1, 0, count(*), 0, $1, 'it failed', 5, $2, 3, $3, 'web', $4, $5, $6, $7 FROM dead_letters",
                &[&input.encode_to_vec(), &letter, account.as_uuid(), &customer, &message_id, &key, &execution],
            )
            .await
            .unwrap();
        DeadLetterId::new(letter).to_string()
    }

    /// Stops all services in order.
    pub async fn stop(&mut self) {
        for running in self.running.drain(..) {
            running.shutdown.request();
            running.task.await.unwrap().unwrap();
        }
    }
}

/// A gateway takes messages once it knows the streams.
async fn ready(api: &Api) {
    eventually("the gateway takes messages", || async {
        let body = serde_json::json!({"customer_id": "warm-up", "channel": "api", "message": "is anybody there?", "message_id": "warm-up"});
        (api.post("/v1/messages", &body).await.status == 202).then_some(())
    })
    .await;
}

async fn migrate(url: &str) {
    let config = PgConfig::for_url(url);
    pg::migrate(&config, gateway::store::SCHEMA, gateway::store::MIGRATIONS).await.unwrap();
    pg::migrate(&config, workflow_catalog::store::SCHEMA, workflow_catalog::store::MIGRATIONS).await.unwrap();
    pg::migrate(&config, execution_runner::store::SCHEMA, execution_runner::store::MIGRATIONS).await.unwrap();
    pg::migrate(&config, metrics_aggregator::store::SCHEMA, metrics_aggregator::store::MIGRATIONS)
        .await
        .unwrap();
}
