//! What every fault plays on: a fresh fleet with its workflows, a load, and the oracle at the end.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;
use testkit::workflows;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::database;
use crate::failure::{Failure, io_error};
use crate::fault::Fault;
use crate::fleet::{Fleet, Settings};
use crate::load::script::Kind;
use crate::load::{Load, Said, Talk};
use crate::oracle::{self, Standing, Told};
use crate::owners::Owners;
use crate::patience::until;
use crate::row::Row;

/// Customers of a load unless a fault says otherwise.
const CUSTOMERS: usize = 300;
/// How long a load lasts, seconds: in the short form, and otherwise.
const LOAD_SECONDS: [u64; 2] = [10, 30];
/// Longest name of a purpose that its random numbers are told apart by, bytes.
const PURPOSE_BYTES: usize = 24;

/// How all faults are played.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Messages begun in a second.
    pub per_second: u32,
    /// Whether it is the short form.
    pub short: bool,
    /// Loads last so many times as long.
    pub long: u32,
    /// Where the services' programs are.
    pub programs: PathBuf,
    /// Where journals, logs and data go, a directory for each fault.
    pub directory: PathBuf,
}

/// One fault, about to be played.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Which.
    pub fault: Fault,
    /// What everything random comes from.
    pub seed: u64,
    /// How.
    pub plan: Arc<Plan>,
}

impl Stage {
    /// Where everything of this fault goes.
    pub fn directory(&self) -> PathBuf {
        self.plan.directory.join(format!("{}-seed-{}", self.fault, self.seed))
    }

    /// How long the load lasts.
    pub fn load_time(&self) -> Duration {
        let [short, usual] = LOAD_SECONDS;
        Duration::from_secs(if self.plan.short { short } else { usual }) * self.plan.long
    }

    /// How many groups the partitions are in: one or two, as the seed says.
    pub fn groups(&self) -> u32 {
        1 + u32::from(self.seed.is_multiple_of(2))
    }

    /// Random numbers for one purpose, the same for the same seed.
    pub fn rng(&self, purpose: &str) -> StdRng {
        let mut seed = [0_u8; 32];
        let (number, name) = seed.split_at_mut(32 - PURPOSE_BYTES);
        number.copy_from_slice(&self.seed.to_le_bytes());
        for (to, from) in name.iter_mut().zip(purpose.bytes()) {
            *to = from;
        }
        StdRng::from_seed(seed)
    }

    /// Says how far the fault is.
    pub fn say(&self, text: &str) {
        eprintln!("{:>4}  {text}", self.fault.to_string());
    }
}

/// A fault under way.
pub struct Scene {
    /// Which.
    pub stage: Stage,
    /// The processes.
    pub fleet: Fleet,
    /// What came of it so far.
    pub row: Row,
    /// The workflows' ids, by what customers talk to.
    pub workflows: Vec<(Kind, String)>,
    owners: Owners,
}

impl Scene {
    /// Starts a fleet, and the two workflows that customers talk to.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn open(stage: &Stage, settings: &Settings) -> Result<Self, Failure> {
        let directory = stage.directory();
        std::fs::remove_dir_all(&directory).ok();
        let made = std::fs::create_dir_all(&directory);
        made.map_err(io_error(format!("cannot make {}", directory.display())))?;
        stage.say("starting");
        let groups = settings.groups.or_else(|| Some(stage.groups()));
        let settings = Settings { groups, ..settings.clone() };
        let fleet = Fleet::start(&directory, &stage.plan.programs, &settings).await?;
        let owners = Owners::watch(fleet.postgres.url(), fleet.lives.clone());
        let row = Row::new(stage.fault, stage.seed);
        let mut scene = Self { stage: stage.clone(), fleet, row, workflows: Vec::new(), owners };
        scene.run(Kind::Greet, &workflows::greet("Greet", "hello")).await?;
        scene.run(Kind::Survey, &workflows::survey("Survey", "start")).await?;
        Ok(scene)
    }

    /// Creates and activates a workflow that customers of this kind talk to.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn run(&mut self, kind: Kind, workflow: &serde_json::Value) -> Result<(), Failure> {
        let api = &self.fleet.gateways[0];
        let created = api.try_send(api.request(reqwest::Method::POST, "/v1/workflows").json(workflow)).await;
        let created = created.ok_or_else(|| Failure::broken("a workflow cannot be created"))?;
        let id = created.body.pointer("/data/id").and_then(|id| id.as_str());
        let id = id.ok_or_else(|| Failure::broken(format!("a workflow is refused: {}", created.text)))?;
        let path = format!("/v1/workflows/{id}/activate");
        let activated = api.try_send(api.request(reqwest::Method::POST, &path).json(&json!({}))).await;
        let answer = activated.ok_or_else(|| Failure::broken("a workflow cannot be activated"))?;
        if answer.status != 200 {
            return Err(Failure::broken(format!("a workflow is not activated: {}", answer.text)));
        }
        self.workflows.push((kind, id.to_owned()));
        Ok(())
    }

    /// The usual customers begin to talk.
    ///
    /// # Errors
    /// When the journal cannot be made.
    pub fn talk(&self) -> Result<Load, Failure> {
        self.talk_as("load", Talk::of(CUSTOMERS, self.stage.plan.per_second))
    }

    /// Customers begin to talk; `name` is that of the journal.
    ///
    /// # Errors
    /// When the journal cannot be made.
    pub fn talk_as(&self, name: &str, talk: Talk) -> Result<Load, Failure> {
        let journal = self.stage.directory().join(format!("{name}.jsonl"));
        Load::start(&self.fleet.gateways, talk, &journal, self.stage.rng(name))
    }

    /// A connection to the database.
    ///
    /// # Errors
    /// When it is away.
    pub async fn database(&self) -> Result<Client, Failure> {
        database::connect(&self.fleet.postgres.url()).await
    }

    /// Waits until everything that is acknowledged now is handled, and one message more, which was taken in since. Says how
    /// long that took.
    ///
    /// # Errors
    /// When they never are.
    pub async fn catch_up(&self, load: &Load) -> Result<Duration, Failure> {
        self.handled(load.acknowledged() + 1).await
    }

    /// Waits until so many executions are over, and says how long that took.
    ///
    /// # Errors
    /// When they never are.
    pub async fn handled(&self, executions: usize) -> Result<Duration, Failure> {
        let client = self.database().await?;
        let what = format!("{executions} messages are handled");
        let handled = until(&what, || async {
            let handled = oracle::handled(&client).await?;
            Ok((handled >= executions).then_some(()))
        });
        Ok(handled.await?.1)
    }

    /// Waits until everything is handled, told and counted.
    ///
    /// # Errors
    /// When the database or the broker do not answer. What does not become quiet is a problem of the row.
    pub async fn become_quiet(&mut self, executions: usize) -> Result<(), Failure> {
        let begun = Instant::now();
        let client = self.database().await?;
        let fleet = &self.fleet;
        let last = Mutex::new(Standing::default());
        let quiet = until("everything is handled, told and counted", || {
            let (client, last) = (&client, &last);
            async move {
                let standing = oracle::standing(client, fleet).await?;
                let quiet = standing.unrest(executions).is_empty();
                *last.lock().unwrap_or_else(PoisonError::into_inner) = standing;
                Ok(quiet.then_some(()))
            }
        })
        .await;
        let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
        match quiet {
            Ok(_) => self.stage.say(&format!("quiet after {:.1} s", begun.elapsed().as_secs_f64())),
            Err(Failure::Late { .. }) => self.row.problems.extend(last.unrest(executions)),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Waits until everything is quiet, asks the oracle, and stops everything.
    ///
    /// # Errors
    /// When the oracle cannot see.
    pub async fn close(self, said: &Said) -> Result<Row, Failure> {
        self.close_told(said, &Told::Everything).await
    }

    /// The same when the broker does not hold everything that was told.
    ///
    /// # Errors
    /// As [`Scene::close`].
    pub async fn close_told(mut self, said: &Said, told: &Told) -> Result<Row, Failure> {
        for (part, status) in self.fleet.ended() {
            self.row.problem(format!("{part} has ended by itself with {status}"));
        }
        self.stage.say(&format!("{} messages said; waiting for quiet", said.messages()));
        self.become_quiet(oracle::expected_executions(said)).await?;
        self.row.take_over_ms = self.owners.took().iter().map(Duration::as_millis).collect();
        oracle::judge(&mut self, said, told).await?;
        let again = self.row.sent_again;
        self.row.must(again == 0 || self.stage.plan.short || !self.stage.fault.sends_once(), || {
            format!("I3: {again} replies and events were sent again, and nothing was killed that sends them")
        });
        let tally = &said.tally;
        self.row.problems.extend(tally.problems.iter().cloned());
        self.row.must(tally.problems_in_all == tally.problems.len(), || {
            format!("{} problems of the load in all", tally.problems_in_all)
        });
        self.row.note(format!(
            "{} refused, {} not sent, {} unknown, slowest answer {:.1} s",
            tally.refused,
            tally.not_sent,
            tally.unknown,
            tally.slowest.as_secs_f64()
        ));
        Ok(self.row)
    }
}
