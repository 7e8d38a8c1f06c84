//! The product under test: one that runs already, or one that is started here and ends with the bench.

mod ports;
mod process;
mod services;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use tempfile::TempDir;

use crate::api::{Api, text};
use crate::http::Target;
use process::Process;

pub use services::{Part, Services};

/// A product that is not ready after this does not start.
const READY_DEADLINE: Duration = Duration::from_mins(2);
/// Where `turnloom up` keeps its data, beside its log.
const DATA: &str = "data";
/// How often readiness is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How a product is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `turnloom up`: all services in one process.
    Up,
    /// Each service as a process of its own.
    Services,
}

/// The product.
pub struct Product {
    /// Where it is, and a key of full access.
    pub target: Target,
    /// From the start of its processes until it answered; none when it ran already.
    pub started_in: Option<Duration>,
    kind: Kind,
}

enum Kind {
    /// It ran already; its processes, as far as they were named.
    Given(Vec<u32>),
    /// `turnloom up`, and its logs.
    Up(Box<(Process, TempDir)>),
    /// Services.
    Services(Box<Services>),
}

/// What starts a product.
#[derive(Debug, Clone)]
pub struct Starter {
    /// The program `turnloom`; those of the services lie beside it.
    pub program: PathBuf,
    /// The key of full access that a new product gets.
    pub key: String,
    /// A product that runs already, and its processes.
    pub given: Option<(Target, Vec<u32>)>,
}

impl Starter {
    /// The product: the one that runs, or a new one.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn product(&self, form: Form) -> anyhow::Result<Product> {
        match (&self.given, form) {
            (Some((target, pids)), _) => {
                let kind = Kind::Given(pids.clone());
                Ok(Product { target: target.clone(), started_in: None, kind })
            }
            (None, Form::Up) => up(&self.program, &self.key).await,
            (None, Form::Services) => self.services(1).await,
        }
    }

    /// A new one of separate services, with so many runners.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn services(&self, runners: u32) -> anyhow::Result<Product> {
        let programs = self.program.parent().unwrap_or_else(|| Path::new("."));
        let services = Services::start(programs, &self.key, runners).await?;
        let (target, started_in) = (services.target.clone(), Some(services.started_in));
        Ok(Product { target, started_in, kind: Kind::Services(Box::new(services)) })
    }
}

async fn up(program: &Path, key: &str) -> anyhow::Result<Product> {
    let directory = TempDir::with_prefix("turnloom-bench-").context("no temporary directory")?;
    let [port] = ports::lasting().context("no port is free")?;
    let (listen, data) = (format!("127.0.0.1:{port}"), directory.path().join(DATA));
    let flags = ["up", "--listen", &listen, "--bootstrap-key", key, "--rate-limits", "off", "--log", "error"];
    let flags = flags.map(OsStr::new).into_iter().chain([OsStr::new("--data-dir"), data.as_os_str()]);
    let begun = Instant::now();
    let mut process = Process::start("turnloom", program, flags, &directory.path().join("up.log"))?;
    let target = Target { address: listen.parse()?, key: key.to_owned() };
    ready(&target, || process.require_running()).await?;
    Ok(Product { target, started_in: Some(begun.elapsed()), kind: Kind::Up(Box::new((process, directory))) })
}

/// Waits until the API answers for all services, as long as all of them are alive.
async fn ready(target: &Target, mut alive: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_DEADLINE;
    let mut api = Api::of(target);
    while api.get("/v1/workflows").await.is_err() {
        alive()?;
        if Instant::now() > deadline {
            bail!("it is not ready after {} s", READY_DEADLINE.as_secs());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

impl Product {
    /// Processes whose trees are the product.
    pub fn roots(&self) -> Vec<u32> {
        match &self.kind {
            Kind::Given(pids) => pids.clone(),
            Kind::Up(up) => vec![up.0.pid()],
            Kind::Services(services) => services.roots(),
        }
    }

    /// Address of its database, when that was started here.
    ///
    /// # Errors
    /// When it was not.
    pub fn database_url(&self) -> anyhow::Result<String> {
        match &self.kind {
            Kind::Given(_) => bail!("nobody knows the database of a product that was not started here"),
            Kind::Up(up) => {
                let told = fs::read(up.1.path().join(DATA).join("run.json")).context("run.json")?;
                Ok(text(&serde_json::from_slice(&told)?, "/database_url")?.to_owned())
            }
            Kind::Services(services) => Ok(services.postgres.url()),
        }
    }

    /// Its services, when each is a process of its own.
    pub fn services(&mut self) -> Option<&mut Services> {
        match &mut self.kind {
            Kind::Services(services) => Some(services),
            Kind::Given(_) | Kind::Up(_) => None,
        }
    }

    /// What it runs as, for people.
    pub fn form(&self) -> &'static str {
        match &self.kind {
            Kind::Given(_) => "a running product",
            Kind::Up(_) => "all in one process",
            Kind::Services(_) => "separate services",
        }
    }

    /// A client of its API.
    pub fn api(&self) -> Api {
        Api::of(&self.target)
    }
}
