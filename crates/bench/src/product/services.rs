//! The product as in production: each service a process of its own, on a private PostgreSQL and nats-server.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use local_stack::{Nats, Postgres};
use tempfile::TempDir;

use super::process::Process;
use super::{LOOK_EVERY, READY_DEADLINE, ports, ready};
use crate::api::Api;
use crate::http::Target;

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One of the runners, from 0.
    Runner(u32),
    /// The catalog.
    Catalog,
    /// The aggregator.
    Aggregator,
    /// The gateway.
    Gateway,
}

impl Part {
    /// Its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Runner(_) => "execution-runner",
            Self::Catalog => "workflow-catalog",
            Self::Aggregator => "metrics-aggregator",
            Self::Gateway => "gateway",
        }
    }
}

/// The processes.
pub struct Services {
    /// Where the API is.
    pub target: Target,
    /// From the first start until the API answered.
    pub started_in: Duration,
    running: Vec<(Part, Process)>,
    // Below the services, so that they are stopped after them.
    /// The broker.
    pub nats: Nats,
    /// The database.
    pub postgres: Postgres,
    programs: PathBuf,
    /// Of the first runner, catalog, aggregator, gateway.
    admin_ports: [u16; 4],
    logs: TempDir,
}

impl Drop for Services {
    /// Those that were started last end first, so that nothing new comes in.
    fn drop(&mut self) {
        while self.running.pop().is_some() {}
    }
}

impl Services {
    /// Starts everything, with so many runners; the programs lie in this directory.
    ///
    /// # Errors
    /// When something does not start.
    pub(super) async fn start(programs: &Path, key: &str, runners: u32) -> anyhow::Result<Self> {
        let stack = tokio::task::spawn_blocking(|| {
            anyhow::Ok((Nats::ephemeral()?, Postgres::ephemeral()?, TempDir::with_prefix("turnloom-bench-")?))
        });
        let (nats, postgres, logs) = stack.await??;
        let [port, admin_ports @ ..] = ports::lasting::<5>().context("no ports are free")?;
        let target = Target { address: format!("127.0.0.1:{port}").parse()?, key: key.to_owned() };
        let begun = Instant::now();
        let programs = programs.to_owned();
        let (running, started_in) = (Vec::new(), Duration::ZERO);
        let mut services = Self { target, started_in, running, nats, postgres, programs, admin_ports, logs };
        let runners = (0..runners).map(Part::Runner);
        for part in runners.chain([Part::Catalog, Part::Aggregator, Part::Gateway]) {
            services.begin(part)?;
        }
        let target = services.target.clone();
        ready(&target, || services.ended()).await?;
        services.started_in = begun.elapsed();
        // A list of nothing needs no runner, and without one there are no streams to tell of a workflow.
        services.is_ready(Part::Runner(0)).await?;
        Ok(services)
    }

    /// Refuses when a service has ended by itself.
    fn ended(&mut self) -> anyhow::Result<()> {
        self.running.iter_mut().try_for_each(|(_, process)| process.require_running())
    }

    /// Starts a service.
    ///
    /// # Errors
    /// When its program is missing.
    pub fn begin(&mut self, part: Part) -> anyhow::Result<()> {
        let listen = self.target.address.to_string();
        let admin = format!("127.0.0.1:{}", self.admin_port(part));
        let (database, broker, monitor) = (self.postgres.url(), self.nats.url(), self.nats.monitor_url());
        let mut flags = vec![
            "--database-url",
            &database,
            "--nats-url",
            &broker,
            "--nats-monitor-url",
            &monitor,
            "--durability",
            "strict",
            "--admin-listen",
            &admin,
            "--log",
            "error",
        ];
        if part == Part::Gateway {
            flags.extend(["--listen", &listen, "--bootstrap-key", &self.target.key, "--rate-limits", "off"]);
        }
        let log = self.logs.path().join(format!("{part:?}.log"));
        let process = Process::start(part.program(), &self.programs.join(part.program()), flags, &log)?;
        self.running.push((part, process));
        Ok(())
    }

    /// Where it tells of itself; any port for runners but the first, which nobody asks.
    fn admin_port(&self, part: Part) -> u16 {
        let [runner, catalog, aggregator, gateway] = self.admin_ports;
        match part {
            Part::Runner(0) => runner,
            Part::Runner(_) => 0,
            Part::Catalog => catalog,
            Part::Aggregator => aggregator,
            Part::Gateway => gateway,
        }
    }

    /// Asks a service to end, and waits until it has.
    pub fn stop(&mut self, part: Part) {
        tokio::task::block_in_place(|| self.running.retain(|(running, _)| *running != part));
    }

    /// Waits until a service says that it is ready.
    ///
    /// # Errors
    /// When it ends, or never says so.
    pub async fn is_ready(&mut self, part: Part) -> anyhow::Result<()> {
        let address = format!("127.0.0.1:{}", self.admin_port(part)).parse()?;
        let mut api = Api::of(&Target { address, key: String::new() });
        let deadline = Instant::now() + READY_DEADLINE;
        while !api.says_200("/readyz").await {
            self.ended()?;
            if Instant::now() > deadline {
                bail!("{} is not ready after {} s", part.program(), READY_DEADLINE.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Processes whose trees are the product.
    pub fn roots(&self) -> Vec<u32> {
        let services = self.running.iter().map(|(_, process)| process.pid());
        services.chain(self.nats.pid()).chain(self.postgres.pid()).collect()
    }

    /// The servers beneath.
    pub fn servers(&self) -> Vec<u32> {
        self.nats.pid().into_iter().chain(self.postgres.pid()).collect()
    }
}
