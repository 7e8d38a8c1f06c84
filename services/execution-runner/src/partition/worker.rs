//! The partition loop of one group: owns partitions, reads frames, commits batches, tells others.
//!
//! States of a partition, as this loop sees it:
//! `foreign` –gained by a renewal→ `recovering` –outbox published, reading from its cursor→ `owned`
//! –not kept by a renewal, or any failed commit→ `foreign`.
//!
//! One thing at a time: nothing here runs beside anything else, so the order of commits is the order of frames
//! and the order of publishing is the order of commits. Whatever fails, the loop forgets what it knew
//! and reads the partition rows again; what had been committed is told by the outbox, what had not is read again
//! from the cursor. So a crash after any line is the same as a failure there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use contracts::v1;
use flow_model::ExecutionId;
use platform::lifecycle::Shutdown;
use tokio::time::Instant;
use uuid::Uuid;

use super::answers::{answer_of, by_id, named_by};
use super::batch::{AnswerWith, Batch, Frame, Outcome, PendingAnswer, Progress};
use super::catalog::Catalog;
use super::gauges::Gauges;
use super::port::{
    CommitError, Definitions, OutboxKey, OutboxRow, Outgoing, Ownership, RawFrame, Renewal, Store, Transport,
    Unavailable,
};
use super::tell;
use super::turn::Flows;

/// Frames fetched at once.
const FRAMES_MAX: usize = 256;
/// Compiled revisions kept; when there are more all are dropped and compiled again as they are needed.
const FLOWS_MAX: usize = 20_000;
/// Open outbox rows recovered at once.
const OUTBOX_ROWS_MAX: u32 = 256;
/// Commits of a partition that was not handed over that are told again: a broker that is killed may lose events that
/// it had acknowledged but not written yet. Who has heard them knows them by their place.
const RETOLD_COMMITS: u64 = 64;
/// Messages published at once.
const PUBLISH_MAX: usize = 4096;
/// Pause after a failure of a dependency.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest wait for frames, so that a stop is noticed soon.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// How often a runner that has less than its fair share looks for free partitions.
const CLAIM_EVERY: Duration = Duration::from_millis(500);

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
    renew_at: Instant,
    catalog: Catalog,
    flows: Flows,
    unpublished: Vec<Outgoing>,
    /// Rows whose messages are in `unpublished`.
    publishing: Vec<OutboxKey>,
    /// Rows that are published and to be closed by the next commit.
    closed: Vec<OutboxKey>,
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
            renew_at: Instant::now(),
            catalog: Catalog::default(),
            flows: Flows::new(),
            unpublished: Vec::new(),
            publishing: Vec::new(),
            closed: Vec::new(),
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
            self.renew().await?;
        }
        if self.owned.is_empty() {
            tokio::time::sleep_until(self.renew_at.min(Instant::now() + WAIT_MAX)).await;
            return Ok(());
        }
        let wait = self.renew_at.saturating_duration_since(Instant::now()).min(WAIT_MAX);
        let worked = match self.transport.next_frames(FRAMES_MAX, wait).await {
            Ok(fetched) => self.work_through(fetched).await,
            Err(error) => Err(error),
        };
        if worked.is_err() {
            // What was fetched and not handled has to be read again. And the broker may have been killed, and with it
            // what it had not written: taking the partitions over anew tells the last commits again.
            self.forget();
        }
        worked
    }

    /// Works on frames that were fetched, in batches.
    async fn work_through(&mut self, fetched: Vec<RawFrame>) -> Result<(), Unavailable> {
        let mut frames = Vec::new();
        let mut inputs = 0;
        for raw in fetched {
            let frame = Frame::read(&raw, &self.owned);
            if inputs > 0 && inputs + frame.inputs() > self.config.batch_inputs_max {
                if !self.work(std::mem::take(&mut frames)).await? {
                    // The rest was read for partitions that may have another owner now.
                    return Ok(());
                }
                inputs = 0;
            }
            inputs += frame.inputs();
            frames.push(frame);
        }
        if !frames.is_empty() {
            self.work(frames).await?;
        }
        Ok(())
    }

    /// Renews the leases, and gets partitions that were gained ready to be worked on.
    async fn renew(&mut self) -> Result<(), Unavailable> {
        // Set first, so that a failing store is not asked without pause.
        self.renew_at = Instant::now() + CLAIM_EVERY;
        let stream = self.transport.stream().await;
        if let Ok(stream) = &stream {
            self.broker.clone_from(&stream.broker);
        }
        match stream {
            Ok(stream) if stream.incarnation != self.incarnation => {
                if self.incarnation != 0 {
                    tracing::warn!("the stream was made again: its frames are read from the start");
                }
                self.forget();
                self.incarnation = stream.incarnation;
            }
            Ok(stream) => {
                let now_ms = (self.clock)();
                self.gauges.backlog(&self.owned, self.position.unwrap_or(0), &stream, now_ms);
            }
            Err(error) if self.incarnation == 0 || self.owned.is_empty() => return Err(error),
            // The lease is kept while the broker is away: there is nothing that another owner could do better.
            Err(error) => tracing::warn!(%error, "the broker cannot be asked for the stream"),
        }
        let renewal = self.renewal();
        let tenure = match self.store.renew(&renewal).await {
            Ok(tenure) => tenure,
            Err(error) => {
                self.forget();
                return Err(error);
            }
        };
        self.closed.clear();
        let lost = self.owned.len() - tenure.kept.len();
        if lost > 0 || !tenure.gained.is_empty() {
            tracing::info!(
                group = self.config.group,
                lost,
                gained = tenure.gained.len(),
                owned = tenure.kept.len() + tenure.gained.len(),
                "partitions have changed hands"
            );
        }
        self.owned = tenure.kept.iter().map(|ownership| (ownership.partition, *ownership)).collect();
        if !tenure.gained.is_empty()
            && let Err(error) = self.recover(&tenure.gained, &tenure.unclean).await
        {
            self.forget();
            return Err(error);
        }
        if self.owned.is_empty() {
            self.position = None;
            self.reading = false;
        }
        self.gauges.owned(self.owned.len());
        if self.owned.len() >= tenure.fair_share as usize {
            self.renew_at = Instant::now() + self.config.renew_every;
        }
        self.purge(tenure.lowest_applied_seq).await;
        Ok(())
    }

    fn renewal(&self) -> Renewal {
        Renewal {
            runner: self.config.runner,
            runner_name: self.config.runner_name.clone(),
            group: self.config.group,
            lease: self.config.lease,
            incarnation: self.incarnation,
            owned: self.owned.values().copied().collect(),
            position: self.position.unwrap_or(0),
            closed: self.closed.clone(),
            told_to: self.told_to.clone(),
            broker: self.broker.clone(),
        }
    }

    /// Takes gained partitions in: begins to read at the lowest cursor, and tells what their last owner left untold before
    /// any frame is handled.
    async fn recover(&mut self, gained: &[Ownership], unclean: &[u32]) -> Result<(), Unavailable> {
        for ownership in gained {
            self.owned.insert(ownership.partition, *ownership);
        }
        let lowest = gained.iter().map(|ownership| ownership.applied_seq).min().unwrap_or(0);
        if self.position.is_none_or(|position| lowest < position) {
            if self.position.is_none() {
                let entries = self.store.catalog(self.config.group, self.incarnation).await?;
                self.catalog = Catalog::from_entries(entries);
            } else if self.broker != self.told_to {
                // The reading that would have noticed is about to end.
                return Err(broker_started_again());
            }
            self.position = Some(lowest);
            self.reading = false;
        }
        // Before anything is told: a broker that is killed after that is noticed by this reading, and what it forgot is
        // told again.
        self.resume_reading().await?;
        let told: Vec<OutboxKey> = gained
            .iter()
            .map(|ownership| {
                let again = if unclean.contains(&ownership.partition) { RETOLD_COMMITS } else { 0 };
                let commit_no = ownership.commit_no.saturating_sub(again);
                OutboxKey { partition: ownership.partition, commit_no }
            })
            .collect();
        let mut after = OutboxKey::default();
        loop {
            let rows = self.store.untold(&told, after, OUTBOX_ROWS_MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.key;
            let executions = self.store.executions(&named_by(&rows)).await?;
            self.queue(&rows, executions);
            self.publish().await?;
            self.store.close_outbox(&self.closed).await?;
            self.closed.clear();
        }
        Ok(())
    }

    async fn resume_reading(&mut self) -> Result<(), Unavailable> {
        if self.reading {
            return Ok(());
        }
        self.told_to.clone_from(&self.broker);
        self.transport.read_after(self.position.unwrap_or(0)).await?;
        // From here on a new start of the broker breaks the reading; one just before would go by unnoticed.
        if self.transport.stream().await?.broker != self.told_to {
            return Err(broker_started_again());
        }
        self.reading = true;
        Ok(())
    }

    /// Loads, handles, commits and tells one batch. False when the commit was refused: then nothing is known any more.
    async fn work(&mut self, frames: Vec<Frame>) -> Result<bool, Unavailable> {
        let outcome = self.handle(frames).await?;
        let Outcome { commit, answers, spans, last_seq, inputs, accepted_through_ms } = outcome;
        let nothing = commit.moves.is_empty() && commit.markers.is_empty() && commit.dead_letters.is_empty();
        if !nothing {
            let started = Instant::now();
            match self.store.commit(&commit).await {
                Ok(()) => {}
                Err(CommitError::Unavailable(error)) => return Err(error),
                Err(CommitError::Fenced) => {
                    tracing::warn!("a commit was refused: the partitions are read again");
                    metrics::counter!("turnloom_runner_fenced_total").increment(1);
                    self.forget();
                    return Ok(false);
                }
            }
            metrics::histogram!("turnloom_runner_commit_seconds").record(started.elapsed().as_secs_f64());
        }
        drop(spans);
        for moved in &commit.moves {
            let ownership =
                Ownership { applied_seq: moved.applied_seq, commit_no: moved.commit_no, ..moved.from };
            self.owned.insert(ownership.partition, ownership);
        }
        self.position = Some(last_seq);
        if !nothing {
            self.closed.clear();
        }
        self.gauges.batch(inputs, accepted_through_ms);
        self.gauges.turns(&commit.executions, (self.clock)());
        let executions: Vec<v1::Execution> =
            commit.executions.into_iter().map(|(_, execution)| execution).collect();
        self.answer(answers, &executions).await;
        self.queue(&commit.outbox, executions);
        self.publish().await?;
        Ok(true)
    }

    /// Runs the turns of a batch in memory.
    async fn handle(&mut self, frames: Vec<Frame>) -> Result<Outcome, Unavailable> {
        let mut batch = Batch::new(frames);
        let wanted = batch.wanted();
        if !wanted.conversations.is_empty() {
            batch.provide(self.store.load(&wanted).await?);
        }
        let clock = Arc::clone(&self.clock);
        while let Progress::NeedsFlow(workflow, revision) =
            batch.advance(&mut self.catalog, &self.flows, &*clock)
        {
            let flow = self.definitions.flow(workflow, revision).await?;
            if self.flows.len() >= FLOWS_MAX {
                self.flows.clear();
            }
            self.flows.insert((workflow, revision), flow);
        }
        let mut outcome = batch.finish(&self.owned, self.incarnation);
        outcome.commit.closed.clone_from(&self.closed);
        Ok(outcome)
    }

    /// Tells those who wait. A caller that is not reached asks again, so nothing here can fail the batch.
    async fn answer(&self, answers: Vec<PendingAnswer>, executions: &[v1::Execution]) {
        if answers.is_empty() {
            return;
        }
        let mut known: HashMap<ExecutionId, v1::Execution> = by_id(executions.iter().cloned());
        let earlier: Vec<ExecutionId> = answers
            .iter()
            .filter_map(|answer| match answer.what {
                AnswerWith::Execution(id) if !known.contains_key(&id) => Some(id),
                AnswerWith::Execution(_) | AnswerWith::Ignored | AnswerWith::Refused(_) => None,
            })
            .collect();
        if !earlier.is_empty() {
            match self.store.executions(&earlier).await {
                Ok(found) => known.extend(by_id(found.into_iter())),
                Err(error) => tracing::warn!(%error, "duplicates are left to ask again"),
            }
        }
        let mut by_subject: HashMap<String, Vec<v1::Answer>> = HashMap::new();
        for pending in answers {
            if let Some(answer) = answer_of(&pending, &known) {
                by_subject.entry(pending.answer_to).or_default().push(answer);
            }
        }
        for (subject, answers) in by_subject {
            self.transport.answer(&subject, v1::Answers { answers }).await;
        }
    }

    fn queue(&mut self, rows: &[OutboxRow], executions: Vec<v1::Execution>) {
        let outgoing = tell::outgoing(rows, &by_id(executions.into_iter()));
        self.unpublished.extend(outgoing);
        self.publishing.extend(rows.iter().map(|row| row.key));
    }

    /// Publishes what is left to tell. Until that has worked no further frame is handled, so the list is bounded
    /// by one batch and the order is kept.
    async fn publish(&mut self) -> Result<(), Unavailable> {
        while !self.unpublished.is_empty() {
            let count = self.unpublished.len().min(PUBLISH_MAX);
            let (now, _) = self.unpublished.split_at(count);
            self.transport.publish(now).await?;
            self.unpublished.drain(..count);
        }
        self.closed.append(&mut self.publishing);
        Ok(())
    }

    async fn purge(&mut self, lowest_applied_seq: u64) {
        if lowest_applied_seq == 0 {
            return;
        }
        self.catalog.forget_through(lowest_applied_seq);
        if let Err(error) = self.transport.purge_through(lowest_applied_seq).await {
            tracing::warn!(%error, "handled frames could not be purged; the next renewal tries again");
        }
    }

    /// Finishes what is under way and gives the partitions back.
    async fn hand_over(&mut self) -> Result<(), Unavailable> {
        self.publish().await?;
        self.store.release(&self.renewal()).await
    }

    /// Drops everything that may be wrong. What was committed but not told is in the outbox.
    fn forget(&mut self) {
        self.owned.clear();
        self.position = None;
        self.reading = false;
        self.unpublished.clear();
        self.publishing.clear();
        self.closed.clear();
        self.renew_at = Instant::now();
    }
}

/// What it had acknowledged may be forgotten, so the partitions are taken over anew.
fn broker_started_again() -> Unavailable {
    Unavailable("the broker was started again".to_owned())
}
