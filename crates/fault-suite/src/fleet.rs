//! The product as in production: all services as processes of their own, on a private database and broker.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway::key::ApiKey;
use local_stack::{Nats, Postgres};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use testkit::Api;
use tokio::time::Instant;

use crate::failure::{Failure, io_error};
use crate::link::Link;
use crate::patience::until;
use crate::ports;
use crate::process::Process;

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One of the two gateways, from 0.
    Gateway(usize),
    /// One of the runners, from 0.
    Runner(usize),
    /// One of the runners that do activities and nothing else, from 0.
    Worker(usize),
    /// The catalog.
    Catalog,
    /// The aggregator.
    Aggregator,
}

impl Part {
    fn program(self) -> &'static str {
        match self {
            Self::Gateway(_) => "gateway",
            Self::Runner(_) | Self::Worker(_) => "execution-runner",
            Self::Catalog => "workflow-catalog",
            Self::Aggregator => "metrics-aggregator",
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gateway(n) => write!(f, "gateway-{n}"),
            Self::Runner(n) => write!(f, "runner-{n}"),
            Self::Worker(n) => write!(f, "worker-{n}"),
            Self::Catalog => f.write_str("catalog"),
            Self::Aggregator => f.write_str("aggregator"),
        }
    }
}

/// How a fleet is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Runners that are known; all of them are started.
    pub runners: usize,
    /// Runners besides these that own nothing and only do activities.
    pub workers: usize,
    /// Flags of all of them besides those that follow from the other settings.
    pub runner_flags: Vec<String>,
    /// Groups of partitions, each with a stream and leases of its own; as the seed says unless set.
    pub groups: Option<u32>,
    /// How long a lease lasts, milliseconds; it is renewed three times in that time.
    pub lease_ms: u64,
    /// Bytes of the stream of inputs, of that of events, and of that of replies. The broker reserves them, so a disk that
    /// is nearly full has room for them, too.
    pub stream_bytes: [u32; 3],
    /// Whether messages can make a runner panic, abort and hang.
    pub drills: bool,
    /// Whether each service reaches database and broker over links of its own, which can be cut.
    pub links: bool,
    /// Where the database keeps its data; in the fault's directory unless set.
    pub postgres: Option<PathBuf>,
    /// Where the broker keeps its data; in the fault's directory unless set.
    pub nats: Option<PathBuf>,
}

/// Bytes of the stream of activities, which no disk of a fault is too small for.
const ACTIVITIES_BYTES: u32 = 16 << 20;
/// Lease of the runners unless a fault says otherwise, milliseconds.
pub const LEASE_MS: u64 = 6_000;

/// Bytes of the streams unless a fault says otherwise.
const STREAM_BYTES: [u32; 3] = [512 << 20, 1536 << 20, 512 << 20];

impl Default for Settings {
    fn default() -> Self {
        Self {
            runners: 3,
            workers: 0,
            runner_flags: Vec::new(),
            groups: None,
            lease_ms: LEASE_MS,
            stream_bytes: STREAM_BYTES,
            drills: false,
            links: false,
            postgres: None,
            nats: None,
        }
    }
}

/// Which starts of runners live, and when the others died. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Lives {
    died: Arc<Mutex<HashMap<String, Option<Instant>>>>,
}

impl Lives {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<Instant>>> {
        self.died.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the start of this name lives.
    pub fn lives(&self, name: &str) -> bool {
        self.lock().get(name).is_some_and(Option::is_none)
    }

    /// When the start of this name died, if it has.
    pub fn died(&self, name: &str) -> Option<Instant> {
        self.lock().get(name).copied().flatten()
    }

    fn begins(&self, name: String) {
        self.lock().insert(name, None);
    }

    fn ends(&self, name: &str) {
        if let Some(died) = self.lock().get_mut(name) {
            died.get_or_insert_with(Instant::now);
        }
    }
}

/// The processes.
pub struct Fleet {
    /// The database.
    pub postgres: Postgres,
    /// The broker.
    pub nats: Nats,
    /// The two gateways as a client sees them.
    pub gateways: [Api; 2],
    /// A key of full access.
    pub key: String,
    /// Which runners live.
    pub lives: Lives,
    /// The links of each service, when there are any: to the database and to the broker.
    pub links: Vec<(Part, [Link; 2])>,
    /// Where the broker keeps its data.
    pub nats_directory: PathBuf,
    processes: Vec<(Part, Process)>,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.processes.clear();
        self.nats.kill();
        self.postgres.kill();
    }
}

impl Fleet {
    /// Starts everything; logs and data go to this directory, programs are taken from that of `programs`.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(directory: &Path, programs: &Path, settings: &Settings) -> Result<Self, Failure> {
        let nats_directory = settings.nats.clone().unwrap_or_else(|| directory.join("nats"));
        let postgres_directory = settings.postgres.clone().unwrap_or_else(|| directory.join("postgres"));
        let (postgres, nats) = tokio::task::block_in_place(|| {
            Ok::<_, Failure>((Postgres::start(&postgres_directory)?, Nats::start(&nats_directory)?))
        })?;
        let ports = ports::lasting().ok_or_else(|| Failure::Impossible("no ports are free".to_owned()))?;
        let key = ApiKey::generate().expose().to_owned();
        let gateways = ports.map(|port| Api::new(format!("http://127.0.0.1:{port}"), &key));
        let (lives, links, processes) = (Lives::default(), Vec::new(), Vec::new());
        let mut fleet =
            Self { postgres, nats, gateways, key: key.clone(), lives, links, nats_directory, processes };
        let runner = runner_flags(settings);
        for n in 0..settings.runners {
            fleet.add(Part::Runner(n), runner.clone(), directory, programs, settings.links).await?;
        }
        let worker: Vec<String> =
            runner.into_iter().chain(["--activities", "only"].map(str::to_owned)).collect();
        for n in 0..settings.workers {
            fleet.add(Part::Worker(n), worker.clone(), directory, programs, settings.links).await?;
        }
        fleet.add(Part::Catalog, Vec::new(), directory, programs, settings.links).await?;
        fleet.add(Part::Aggregator, Vec::new(), directory, programs, settings.links).await?;
        for (n, port) in ports.into_iter().enumerate() {
            let listen = format!("127.0.0.1:{port}");
            let flags = ["--listen", &listen, "--bootstrap-key", &key, "--rate-limits", "off"];
            let flags = flags.map(str::to_owned).into();
            fleet.add(Part::Gateway(n), flags, directory, programs, settings.links).await?;
        }
        fleet.is_ready().await?;
        Ok(fleet)
    }

    async fn add(
        &mut self,
        part: Part,
        own: Vec<String>,
        directory: &Path,
        programs: &Path,
        linked: bool,
    ) -> Result<(), Failure> {
        let (mut database, mut broker) = (self.postgres.url(), self.nats.url());
        if linked {
            let links = [Link::open(&database).await?, Link::open(&broker).await?];
            database = links[0].url(&database);
            broker = links[1].url(&broker);
            self.links.push((part, links));
        }
        let shared = ["--database-url".to_owned(), database, "--nats-url".to_owned(), broker];
        let arguments = shared.into_iter().chain(own).collect();
        let log = directory.join(format!("{part}.log"));
        let named = matches!(part, Part::Runner(_) | Part::Worker(_));
        let process = Process::new(part.to_string(), programs.join(part.program()), arguments, named, log);
        self.processes.push((part, process));
        self.begin(part)
    }

    async fn is_ready(&self) -> Result<(), Failure> {
        for (n, gateway) in self.gateways.iter().enumerate() {
            let what = format!("gateway-{n} answers for all services");
            until(&what, || async { Ok(self.answers(n).await.then_some(())) }).await?;
            // What `warm-up` says is no part of the game: nothing of it is counted.
            let body =
                json!({"customer_id": WARM_UP, "channel": "api", "message": "anybody?", "message_id": "1"});
            let what = format!("gateway-{n} knows the streams");
            until(&what, || async {
                let request = gateway.request(Method::POST, "/v1/messages").json(&body);
                let answer = gateway.try_send(request).await;
                Ok(answer.filter(|answer| answer.status == 202).map(|_| ()))
            })
            .await?;
        }
        Ok(())
    }

    /// Whether a gateway answers, and the services behind it.
    pub async fn answers(&self, gateway: usize) -> bool {
        let Some(api) = self.gateways.get(gateway) else { return false };
        let answer = api.try_send(api.request(Method::GET, "/v1/workflows")).await;
        answer.is_some_and(|answer| answer.status == 200)
    }

    fn process(&mut self, part: Part) -> Option<&mut Process> {
        self.processes.iter_mut().find(|(known, _)| *known == part).map(|(_, process)| process)
    }

    /// What this start of a service is called.
    pub fn name(&mut self, part: Part) -> String {
        self.process(part).map(|process| process.name()).unwrap_or_default()
    }

    /// The process id of a service that runs.
    pub fn pid(&mut self, part: Part) -> Option<u32> {
        self.process(part).and_then(|process| process.pid())
    }

    /// Starts a service, once more.
    ///
    /// # Errors
    /// When its program is missing.
    pub fn begin(&mut self, part: Part) -> Result<(), Failure> {
        let lives = self.lives.clone();
        let Some(process) = self.process(part) else { return Ok(()) };
        process.start()?;
        lives.begins(process.name());
        Ok(())
    }

    /// kill -9.
    pub fn kill(&mut self, part: Part) {
        let lives = self.lives.clone();
        if let Some(process) = self.process(part)
            && process.kill()
        {
            lives.ends(&process.name());
        }
    }

    /// Sends a signal.
    pub fn signal(&mut self, part: Part, signal: Signal) {
        if let Some(process) = self.process(part) {
            process.signal(signal);
        }
    }

    /// SIGTERM; waits until it has ended, and says how and how long that took.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn end(&mut self, part: Part) -> Result<(ExitStatus, Duration), Failure> {
        let lives = self.lives.clone();
        let Some(process) = self.process(part) else {
            return Err(Failure::Impossible(format!("there is no {part}")));
        };
        let ended = process.end().await?;
        lives.ends(&process.name());
        Ok(ended)
    }

    /// Services that have ended without being asked to, and how.
    pub fn ended(&mut self) -> Vec<(Part, ExitStatus)> {
        let lives = self.lives.clone();
        let mut ended = Vec::new();
        for (part, process) in &mut self.processes {
            if let Some(status) = process.ended() {
                lives.ends(&process.name());
                ended.push((*part, status));
            }
        }
        ended
    }

    /// Kills the broker.
    pub fn kill_nats(&mut self) {
        tokio::task::block_in_place(|| self.nats.kill());
    }

    /// Starts the broker again.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_nats(&mut self) -> Result<(), Failure> {
        Ok(tokio::task::block_in_place(|| self.nats.start_again())?)
    }

    /// Takes away everything that the broker has stored. It must not run.
    ///
    /// # Errors
    /// When the files cannot be removed.
    pub fn empty_nats(&self) -> Result<(), Failure> {
        let streams = self.nats_directory.join("jetstream");
        std::fs::remove_dir_all(&streams).map_err(io_error(format!("cannot remove {}", streams.display())))
    }

    /// Kills the database.
    pub fn kill_postgres(&mut self) {
        tokio::task::block_in_place(|| self.postgres.kill());
    }

    /// Starts the database again.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_postgres(&mut self) -> Result<(), Failure> {
        Ok(tokio::task::block_in_place(|| self.postgres.start_again())?)
    }
}

fn runner_flags(settings: &Settings) -> Vec<String> {
    let [turns, events, replies] = settings.stream_bytes.map(|bytes| bytes.to_string());
    let (lease, renewal) = (settings.lease_ms.to_string(), (settings.lease_ms / 3).to_string());
    let mut flags = vec!["--lease-ms".to_owned(), lease, "--lease-renewal-ms".to_owned(), renewal];
    flags.extend(["--partition-groups".to_owned(), settings.groups.unwrap_or(1).to_string()]);
    flags.extend(["--turns-bytes-max".to_owned(), turns, "--events-bytes-max".to_owned(), events]);
    flags.extend(["--replies-bytes-max".to_owned(), replies]);
    flags.extend(["--activities-bytes-max".to_owned(), ACTIVITIES_BYTES.to_string()]);
    if settings.drills {
        flags.extend(["--fault-drill".to_owned(), "on".to_owned()]);
    }
    flags.extend(settings.runner_flags.iter().cloned());
    flags
}

/// A customer whose messages no workflow takes.
pub const WARM_UP: &str = "warm-up";
