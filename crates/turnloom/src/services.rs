//! All services in one process.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use gateway::Switch;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;

/// Where the services find their database, their broker, and the port to serve on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// PostgreSQL.
    pub database_url: String,
    /// NATS.
    pub nats_url: String,
    /// Where nats-server tells of itself: both must keep what they acknowledge, or nothing starts.
    pub nats_monitor_url: String,
    /// Where the API is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A full-access key of the account `default`.
    pub api_key: String,
    /// What accounts' secrets are sealed with.
    pub secrets_key: SecretString,
    /// Whether keys are limited in requests per hour.
    pub rate_limits: Switch,
}

/// Where each service finds the broker, with its own user in it.
#[derive(Debug, Clone)]
pub struct NatsUrls {
    /// For the gateway.
    pub gateway: String,
    /// For the catalog.
    pub catalog: String,
    /// For the runner.
    pub runner: String,
    /// For the aggregator.
    pub metrics: String,
}

impl NatsUrls {
    /// The same for all.
    #[must_use]
    pub fn all(url: &str) -> Self {
        let [gateway, catalog, runner, metrics] = std::array::from_fn(|_| url.to_owned());
        Self { gateway, catalog, runner, metrics }
    }
}

/// Services that are built and ready to run.
pub struct Services {
    gateway: gateway::App,
    catalog: workflow_catalog::App,
    runner: execution_runner::App,
    aggregator: metrics_aggregator::App,
}

impl Services {
    /// Builds all of them; the runner first, since it sets up the streams that the others use.
    ///
    /// # Errors
    /// What the first one that fails says.
    pub async fn build(settings: &Settings, health: &Health) -> anyhow::Result<Self> {
        Self::build_with(settings, &[], health).await
    }

    /// The same with settings of the runner that are else taken from the environment, such as `--llm-url` and its value.
    ///
    /// # Errors
    /// What the first one that fails says.
    pub async fn build_with(
        settings: &Settings,
        runner_settings: &[String],
        health: &Health,
    ) -> anyhow::Result<Self> {
        Self::build_as(settings, &NatsUrls::all(&settings.nats_url), runner_settings, health).await
    }

    /// The same, each as a user of its own on the bus.
    ///
    /// # Errors
    /// What the first one that fails says.
    pub async fn build_as(
        settings: &Settings,
        nats: &NatsUrls,
        runner_settings: &[String],
        health: &Health,
    ) -> anyhow::Result<Self> {
        let all = [
            ["--database-url", &settings.database_url],
            ["--nats-monitor-url", &settings.nats_monitor_url],
            ["--durability", "strict"],
        ];
        let arguments = |name: &'static str, nats_url| {
            [name, "--nats-url", nats_url].into_iter().chain(all.into_iter().flatten())
        };
        let secrets_key = ["--secrets-key", settings.secrets_key.expose_secret()];
        let more = runner_settings.iter().map(String::as_str);
        let runner = arguments("execution-runner", nats.runner.as_str()).chain(secrets_key).chain(more);
        let runner = execution_runner::Config::try_parse_from(runner)?;
        let runner = execution_runner::App::build(runner, health).await.context("execution-runner")?;
        let catalog = workflow_catalog::Config::try_parse_from(arguments("workflow-catalog", &nats.catalog))?;
        let catalog = workflow_catalog::App::build(catalog, health).await.context("workflow-catalog")?;
        let aggregator =
            metrics_aggregator::Config::try_parse_from(arguments("metrics-aggregator", &nats.metrics))?;
        let aggregator =
            metrics_aggregator::App::build(aggregator, health).await.context("metrics-aggregator")?;
        let listen = settings.listen.to_string();
        let rate_limits = match settings.rate_limits {
            Switch::On => "on",
            Switch::Off => "off",
        };
        let own = [
            ["--listen", &listen],
            ["--bootstrap-key", &settings.api_key],
            ["--secrets-key", settings.secrets_key.expose_secret()],
            ["--rate-limits", rate_limits],
        ];
        let gateway = arguments("gateway", &nats.gateway).chain(own.into_iter().flatten());
        let gateway = gateway::Config::try_parse_from(gateway)?;
        let gateway = gateway::App::build(gateway, health).await.context("gateway")?;
        Ok(Self { gateway, catalog, runner, aggregator })
    }

    /// Where the API is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.gateway.local_addr()
    }

    /// Runs all of them until the stop is asked for, or one has failed. The gateway stops first, so that nothing new
    /// comes in while the others finish.
    ///
    /// # Errors
    /// What the first one that failed says.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        // Of their own, not children: each is asked to stop when it is its turn.
        let [gateway, runner, aggregator, catalog] = std::array::from_fn(|_| Shutdown::new());
        let running = [
            Running::start("gateway", self.gateway.run_until(gateway.clone()), gateway, &shutdown),
            Running::start("execution-runner", self.runner.run_until(runner.clone()), runner, &shutdown),
            Running::start(
                "metrics-aggregator",
                self.aggregator.run_until(aggregator.clone()),
                aggregator,
                &shutdown,
            ),
            Running::start("workflow-catalog", self.catalog.run_until(catalog.clone()), catalog, &shutdown),
        ];
        shutdown.requested().await;
        let mut result = Ok(());
        for service in running {
            let ended = service.stop().await;
            result = result.and(ended);
        }
        result
    }
}

/// One service under way.
struct Running {
    name: &'static str,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Runs it; when it ends by itself everything is asked to stop.
    fn start(
        name: &'static str,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
        shutdown: Shutdown,
        all: &Shutdown,
    ) -> Self {
        let all = all.clone();
        let task = tokio::spawn(async move {
            let ended = work.await;
            all.request();
            ended
        });
        Self { name, shutdown, task }
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.request();
        self.task.await.with_context(|| format!("{} panicked", self.name))?.context(self.name)
    }
}
