//! The partition loop of one group: owns partitions, reads frames, commits batches, tells others. How partitions come and go
//! is in `tenure`, what is done after somebody may have died of an input in `careful`.
//!
//! States of a partition, as this loop sees it:
//! `foreign` –gained by a renewal→ `recovering` –outbox published, reading from its cursor→ `owned`
//! –not kept by a renewal, or any failed commit→ `foreign`.
//!
//! One thing at a time: nothing here runs beside anything else, but for handing out the activities of a commit and for what
//! was sent to be told: while the broker stores it, the next frames are read and their turns are made, and they are not
//! committed before it is stored. So the order of commits is the order of frames and the order of publishing is the order of
//! commits. Whatever fails, the loop forgets what it knew and reads the partition rows again; what had been committed is told
//! by the outbox, what had not is read again from the cursor. So a crash after any line is the same as a failure there.

mod alarm;
mod careful;
mod tenure;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use contracts::v1;
use flow_model::ExecutionId;
use platform::lifecycle::Shutdown;
use tokio::time::Instant;
use uuid::Uuid;

use self::alarm::Alarm;
use self::careful::Suspicion;
use self::tenure::Watched;
use super::answers::{answer_of, by_id};
use super::batch::{AnswerWith, Batch, Outcome, PendingAnswer, Progress};
use super::catalog::Catalog;
use super::frame::Frame;
use super::gauges::Gauges;
use super::port::{
    Commit, Definitions, OutboxKey, OutboxRow, Outgoing, Ownership, RawFrame, Store, StoreError, Telling,
    Transport, Unavailable,
};
use super::pulse::Pulse;
use super::tell;
use super::turn::Flows;

/// Frames fetched at once.
const FRAMES_MAX: usize = 256;
/// Compiled revisions kept; when there are more all are dropped and compiled again as they are needed.
const FLOWS_MAX: usize = 20_000;
/// Messages published at once.
const PUBLISH_MAX: usize = 4096;
/// Pause after a failure of a dependency.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest wait for frames, so that a stop is noticed soon.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// Unix time in milliseconds; tests give their own.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Settings of the loop.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// This process.
    pub runner: Uuid,
    /// What operators call it.
    pub runner_name: String,
    /// The group of partitions whose frames are read.
    pub group: u32,
    /// How long a lease lasts.
    pub lease: Duration,
    /// How often it is renewed; well below `lease`.
    pub renew_every: Duration,
    /// Inputs in one commit, unless a single frame has more.
    pub batch_inputs_max: usize,
    /// Whether certain texts make a turn fail as no real one does; see `drill`.
    pub drill: bool,
    /// How long a person keeps a conversation without doing anything, unless it is said, milliseconds.
    pub return_after_ms: i64,
    /// Tells others that a batch is being worked on.
    pub pulse: Arc<Pulse>,
}

/// The loop. `S`, `T` and `D` are everything that it can reach.
pub struct Worker<S, T, D> {
    config: WorkerConfig,
    store: S,
    transport: T,
    definitions: D,
    clock: Clock,
    incarnation: i64,
    /// The broker as it is, and as it was when the reading began.
    broker: String,
    told_to: String,
    owned: BTreeMap<u32, Ownership>,
    /// The last frame that is applied to all owned partitions; none while it is not known where to read.
    position: Option<u64>,
    gauges: Gauges,
    reading: bool,
    /// Frames that were read and not worked on yet.
    fetched: VecDeque<RawFrame>,
    alarm: Alarm,
    renew_at: Instant,
    renewed_at: Instant,
    watched: Watched,
    suspicion: Suspicion,
    catalog: Catalog,
    flows: Flows,
    /// To be sent.
    unpublished: Vec<Outgoing>,
    /// Was sent, and is not known to be stored.
    telling: Option<Telling>,
    /// Rows whose messages are in `unpublished` or `telling`.
    publishing: Vec<OutboxKey>,
}

impl<S: Store, T: Transport, D: Definitions> Worker<S, T, D> {
    /// A loop that owns nothing yet.
    pub fn new(config: WorkerConfig, store: S, transport: T, definitions: D, clock: Clock) -> Self {
        Self {
            gauges: Gauges::new(config.group, clock()),
            config,
            store,
            transport,
            definitions,
            clock,
            incarnation: 0,
            broker: String::new(),
            told_to: String::new(),
            owned: BTreeMap::new(),
            position: None,
            reading: false,
            fetched: VecDeque::new(),
            alarm: Alarm::default(),
            renew_at: Instant::now(),
            renewed_at: Instant::now(),
            watched: Watched::default(),
            suspicion: Suspicion::default(),
            catalog: Catalog::default(),
            flows: Flows::new(),
            unpublished: Vec::new(),
            telling: None,
            publishing: Vec::new(),
        }
    }

    /// Works until the stop is asked for, then hands its partitions over.
    pub async fn run(mut self, shutdown: Shutdown) {
        while !shutdown.is_requested() {
            if let Err(error) = self.step().await {
                tracing::warn!(group = self.config.group, %error, "a dependency is away; trying again");
                metrics::counter!("turnloom_runner_setbacks_total").increment(1);
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.requested() => {}
                }
            }
        }
        if let Err(error) = self.hand_over().await {
            tracing::warn!(%error, "partitions could not be handed over; their leases will run out");
        }
    }

    /// One round: renew when it is time, then work on the next frames. Whatever fails, everything is forgotten, so what is
    /// owned is also read, and told.
    pub async fn step(&mut self) -> Result<(), Unavailable> {
        if Instant::now() >= self.renew_at {
            if let Err(error) = self.be_told().await {
                self.forget();
                return Err(error);
            }
            self.renew().await?;
        }
        if self.owned.is_empty() {
            tokio::time::sleep_until(self.renew_at.min(Instant::now() + WAIT_MAX)).await;
            return Ok(());
        }
        let worked = self.work_on().await;
        if worked.is_err() {
            // What was fetched and not handled has to be read again. And the broker may have been killed, and with it
            // what it had not written: taking the partitions over anew tells the last commits again.
            self.forget();
        }
        worked
    }

    /// Sounds the alarm when something is due, and works on the next frames.
    async fn work_on(&mut self) -> Result<(), Unavailable> {
        self.sound_alarm().await?;
        if self.fetched.is_empty() {
            let wait = self.renew_at.saturating_duration_since(Instant::now()).min(WAIT_MAX);
            let wait = wait.min(self.alarm.due_in((self.clock)()));
            self.fetched = self.transport.next_frames(FRAMES_MAX, wait).await?.into();
            if self.fetched.is_empty() {
                self.be_told().await?;
            }
        }
        self.work_through().await
    }

    /// Works on frames that were fetched, in batches, until the leases are to be renewed.
    async fn work_through(&mut self) -> Result<(), Unavailable> {
        let mut gathered = Vec::new();
        let mut inputs = 0;
        while let Some(raw) = self.fetched.front() {
            let frame = Frame::read(raw, &self.owned);
            let careful = self.suspicion.concerns(&frame);
            let full = inputs > 0 && inputs + frame.inputs() > self.config.batch_inputs_max;
            if (careful || full) && !gathered.is_empty() {
                // When it was refused, the rest was read for partitions that may have another owner now.
                if !self.work(std::mem::take(&mut gathered)).await? || Instant::now() >= self.renew_at {
                    return Ok(());
                }
                inputs = 0;
            }
            self.fetched.pop_front();
            if !careful {
                inputs += frame.inputs();
                gathered.push(frame);
            } else if !self.work_carefully(frame).await? || Instant::now() >= self.renew_at {
                return Ok(());
            }
        }
        if !gathered.is_empty() {
            self.work(gathered).await?;
        }
        Ok(())
    }

    /// Loads, handles, commits and tells one batch. False when the commit was refused: then nothing is known any more.
    async fn work(&mut self, frames: Vec<Frame>) -> Result<bool, Unavailable> {
        let outcome = match self.handle(frames).await {
            Ok(outcome) => outcome,
            Err(error) => return self.drop_batch(error).map(|()| false),
        };
        let Outcome { commit, answers, spans, last_seq, inputs, accepted_through_ms } = outcome;
        let nothing = commit.moves.is_empty() && commit.markers.is_empty() && commit.dead_letters.is_empty();
        if !nothing && let Err(error) = take(&self.store, &commit).await {
            return self.drop_batch(error).map(|()| false);
        }
        drop(spans);
        self.expect(&commit);
        for moved in &commit.moves {
            let ownership = Ownership {
                applied_seq: moved.applied_seq,
                applied_inputs: moved.applied_inputs,
                commit_no: moved.commit_no,
                ..moved.from
            };
            self.owned.insert(ownership.partition, ownership);
        }
        self.position = Some(last_seq);
        self.gauges.batch(inputs, accepted_through_ms);
        self.gauges.turns(&commit.executions, (self.clock)());
        let executions = by_id(commit.executions.into_iter().map(|(_, execution)| execution));
        self.answer(answers, &executions).await;
        self.queue(&commit.outbox, &executions);
        issue(&self.transport, &commit.activities).await;
        self.publish().await?;
        Ok(true)
    }

    /// Forgets a batch that the store did not take.
    fn drop_batch(&mut self, error: StoreError) -> Result<(), Unavailable> {
        match error {
            StoreError::Unavailable(error) => return Err(error),
            StoreError::Fenced => {
                tracing::warn!("a commit was refused: the partitions are read again");
                metrics::counter!("turnloom_runner_fenced_total").increment(1);
            }
            StoreError::Refused(reason) => {
                tracing::error!(reason, "the store refuses a batch: its inputs are taken one at a time");
                metrics::counter!("turnloom_runner_refused_total").increment(1);
                self.suspicion.refused(reason);
            }
        }
        self.forget();
        Ok(())
    }

    /// Runs the turns of a batch in memory, while what the last one has told is being stored.
    async fn handle(&mut self, frames: Vec<Frame>) -> Result<Outcome, StoreError> {
        let mut batch = Batch::new(frames);
        let wanted = batch.wanted();
        if !wanted.conversations.is_empty() {
            batch.provide(self.store.load(&wanted).await?, (self.clock)());
        }
        while let Progress::NeedsFlow(workflow, revision) = self.advance(&mut batch) {
            let flow = self.definitions.flow(workflow, revision).await?;
            if self.flows.len() >= FLOWS_MAX {
                self.flows.clear();
            }
            self.flows.insert((workflow, revision), flow);
        }
        self.be_told().await?;
        Ok(batch.finish(&self.owned, self.incarnation))
    }

    fn advance(&mut self, batch: &mut Batch) -> Progress {
        let clock = Arc::clone(&self.clock);
        let _busy = self.config.pulse.begin();
        batch.advance(&mut self.catalog, &self.flows, &self.config, &*clock)
    }

    /// Tells those who wait. A caller that is not reached asks again, so nothing here can fail the batch.
    async fn answer(
        &mut self,
        answers: Vec<PendingAnswer>,
        executions: &HashMap<ExecutionId, v1::Execution>,
    ) {
        if answers.is_empty() {
            return;
        }
        let missing: Vec<ExecutionId> = answers
            .iter()
            .filter_map(|answer| match answer.what {
                AnswerWith::Execution(id) if !executions.contains_key(&id) => Some(id),
                AnswerWith::Execution(_)
                | AnswerWith::Ignored
                | AnswerWith::Done
                | AnswerWith::Refused(_)
                | AnswerWith::Dead => None,
            })
            .collect();
        let mut earlier = HashMap::new();
        if !missing.is_empty() {
            match self.store.executions(&missing).await {
                Ok(found) => earlier = by_id(found.into_iter()),
                Err(error) => tracing::warn!(%error, "duplicates are left to ask again"),
            }
        }
        let mut by_subject: HashMap<String, Vec<v1::Answer>> = HashMap::new();
        for pending in answers {
            if let Some(answer) = answer_of(&pending, |id| executions.get(&id).or_else(|| earlier.get(&id))) {
                by_subject.entry(pending.answer_to).or_default().push(answer);
            }
        }
        for (subject, answers) in by_subject {
            self.transport.answer(&subject, v1::Answers { answers }).await;
        }
    }

    fn queue(&mut self, rows: &[OutboxRow], executions: &HashMap<ExecutionId, v1::Execution>) {
        let outgoing = tell::outgoing(self.config.group, rows, executions);
        self.unpublished.extend(outgoing);
        self.publishing.extend(rows.iter().map(|row| row.key));
    }

    /// Sends what is left to tell. Until it is stored nothing further is committed, so the list is bounded by one batch and the
    /// order is kept.
    async fn publish(&mut self) -> Result<(), Unavailable> {
        while !self.unpublished.is_empty() {
            self.be_stored().await?;
            let count = self.unpublished.len().min(PUBLISH_MAX);
            let (now, _) = self.unpublished.split_at(count);
            self.telling = Some(self.transport.publish(now).await?);
            self.unpublished.drain(..count);
        }
        Ok(())
    }

    /// Waits until all that was queued is told: the next commit says so.
    async fn be_told(&mut self) -> Result<(), Unavailable> {
        self.publish().await?;
        self.be_stored().await?;
        for key in self.publishing.drain(..) {
            if let Some(ownership) = self.owned.get_mut(&key.partition) {
                ownership.told_no = ownership.told_no.max(key.commit_no);
            }
        }
        Ok(())
    }

    /// Waits until what was sent is stored.
    async fn be_stored(&mut self) -> Result<(), Unavailable> {
        match self.telling.take() {
            Some(telling) => telling.await,
            None => Ok(()),
        }
    }
}

/// Commits, and counts how long that took.
async fn take<S: Store>(store: &S, commit: &Commit) -> Result<(), StoreError> {
    let started = Instant::now();
    store.commit(commit).await?;
    metrics::histogram!("turnloom_runner_commit_seconds").record(started.elapsed().as_secs_f64());
    Ok(())
}

/// Hands the activities of a commit on. One that is not is issued again from its row, later.
async fn issue<T: Transport>(transport: &T, activities: &[v1::Activity]) {
    if activities.is_empty() {
        return;
    }
    if let Err(error) = transport.issue(activities).await {
        tracing::warn!(%error, activities = activities.len(), "activities will be issued later");
    }
}
