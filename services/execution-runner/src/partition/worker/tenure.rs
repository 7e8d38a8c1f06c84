//! How partitions come and go: leases, taking over what another runner left, handing over.

use std::time::Duration;

use tokio::time::Instant;

use super::Worker;
use super::alarm::Alarm;
use super::careful::Suspicion;
use crate::partition::answers::{by_id, named_by};
use crate::partition::catalog::Catalog;
use crate::partition::port::{
    Definitions, OutboxKey, Ownership, Rates, Renewal, Store, Tenure, Transport, Unavailable,
};

/// Open outbox rows recovered at once.
const OUTBOX_ROWS_MAX: u32 = 256;
/// Commits of a partition that was not handed over that are told again: a broker that is killed may lose events that
/// it had acknowledged but not written yet. Who has heard them knows them by their place.
const RETOLD_COMMITS: u64 = 64;
/// How often a runner that has less than its fair share looks for free partitions.
const CLAIM_EVERY: Duration = Duration::from_millis(500);
/// So long after another's lease is over it is looked at.
const EXPIRY_MARGIN: Duration = Duration::from_millis(20);
/// A reading that gives nothing for so long though the stream has more is begun anew.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// Where the reading stood, and since when it has been behind there.
#[derive(Debug, Default)]
pub(super) struct Watched {
    behind_since: Option<(u64, Instant)>,
}

impl Watched {
    /// Whether the reading has not moved for long though there is something to read.
    fn has_stalled(&mut self, position: Option<u64>, last_seq: u64) -> bool {
        let Some(position) = position.filter(|position| *position < last_seq) else {
            self.behind_since = None;
            return false;
        };
        match self.behind_since {
            Some((watched, since)) if watched == position => since.elapsed() >= STALLED_AFTER,
            _ => {
                self.behind_since = Some((position, Instant::now()));
                false
            }
        }
    }
}

impl<S: Store, T: Transport, D: Definitions> Worker<S, T, D> {
    /// Renews the leases, and gets partitions that were gained ready to be worked on.
    pub(super) async fn renew(&mut self) -> Result<(), Unavailable> {
        // Set first, so that a failing store is not asked without pause.
        self.renew_at = Instant::now() + CLAIM_EVERY;
        let stream = self.transport.stream().await;
        let mut last_seq = None;
        if let Ok(stream) = &stream {
            self.broker.clone_from(&stream.broker);
            last_seq = Some(stream.last_seq);
        }
        match stream {
            Ok(stream) if stream.incarnation != self.incarnation => {
                if self.incarnation != 0 {
                    tracing::warn!("the stream was made again: its frames are read from the start");
                }
                self.forget();
                self.suspicion = Suspicion::default();
                self.incarnation = stream.incarnation;
            }
            Ok(stream) if self.reading && self.watched.has_stalled(self.position, stream.last_seq) => {
                tracing::error!(
                    position = self.position,
                    last_seq = stream.last_seq,
                    "the reading has stalled: it is begun anew"
                );
                metrics::counter!("turnloom_watchdog_mended_total", "what" => "reader").increment(1);
                self.forget();
            }
            Ok(stream) => {
                let now_ms = (self.clock)();
                self.gauges.backlog(&self.owned, self.position.unwrap_or(0), &stream, now_ms);
            }
            Err(error) if self.incarnation == 0 || self.owned.is_empty() => return Err(error),
            // The lease is kept while the broker is away: there is nothing that another owner could do better.
            Err(error) => tracing::warn!(%error, "the broker cannot be asked for the stream"),
        }
        let renewal = Renewal { rates: self.rates(), ..self.renewal() };
        let tenure = match self.store.renew(&renewal).await {
            Ok(tenure) => tenure,
            Err(error) => {
                self.forget();
                return Err(error);
            }
        };
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
        if !tenure.gained.is_empty() {
            self.alarm = Alarm::default();
        }
        let waits_for = |position| tenure.kept.iter().any(|kept| kept.applied_seq <= position);
        if !self.position.is_some_and(waits_for) {
            // What was not read yet waited for nobody: it may be purged by now, and markers in it would be missed.
            self.position = None;
            self.reading = false;
        }
        if (!tenure.gained.is_empty() || (self.position.is_none() && !tenure.kept.is_empty()))
            && let Err(error) = self.recover(&tenure, last_seq).await
        {
            self.forget();
            return Err(error);
        }
        self.gauges.owned(self.owned.len());
        if self.owned.len() >= tenure.fair_share as usize {
            // A runner that dies is replaced when its lease is over, not some time later.
            let expiry = tenure.next_expiry.map(|after| (after + EXPIRY_MARGIN).max(CLAIM_EVERY));
            let after = expiry.map_or(self.config.renew_every, |after| after.min(self.config.renew_every));
            self.renew_at = Instant::now() + after;
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
            renew_every: self.config.renew_every,
            incarnation: self.incarnation,
            owned: self.owned.values().copied().collect(),
            position: self.position.unwrap_or(0),
            told_to: self.told_to.clone(),
            broker: self.broker.clone(),
            rates: Rates::default(),
            shares: true,
        }
    }

    /// What was done since this was asked last.
    fn rates(&mut self) -> Rates {
        let now = Instant::now();
        let elapsed = now.duration_since(std::mem::replace(&mut self.renewed_at, now));
        self.gauges.rates(elapsed)
    }

    /// Takes gained partitions in: begins to read at the lowest cursor, and tells what their last owner left untold before
    /// any frame is handled. `last_seq` is the stream's end, when it could be asked for.
    async fn recover(&mut self, tenure: &Tenure, last_seq: Option<u64>) -> Result<(), Unavailable> {
        let gained = &tenure.gained;
        for ownership in gained {
            self.owned.insert(ownership.partition, *ownership);
        }
        let all = gained.iter().map(|ownership| ownership.partition);
        self.suspicion.take_over(
            &tenure.suspect,
            all,
            last_seq.unwrap_or(u64::MAX),
            self.config.batch_inputs_max,
        );
        let lowest = self.owned.values().map(|ownership| ownership.applied_seq).min().unwrap_or(0);
        if self.position.is_none_or(|position| lowest < position) {
            if !tenure.kept.is_empty() && self.broker != self.told_to {
                // The reading that would have noticed is about to end.
                return Err(broker_started_again());
            }
            if self.position.is_none() {
                let entries = self.store.catalog(self.config.group, self.incarnation).await?;
                self.catalog = Catalog::from_entries(entries);
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
                let again = if tenure.unclean.contains(&ownership.partition) { RETOLD_COMMITS } else { 0 };
                let commit_no = ownership.commit_no.saturating_sub(again);
                OutboxKey { partition: ownership.partition, commit_no }
            })
            .collect();
        let mut after = OutboxKey::default();
        let mut renewed_at = Instant::now();
        loop {
            if renewed_at.elapsed() >= self.config.renew_every {
                self.extend().await?;
                renewed_at = Instant::now();
            }
            let rows = self.store.untold(&told, after, OUTBOX_ROWS_MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.key;
            let executions = self.store.executions(&named_by(&rows)).await?;
            self.queue(&rows, &by_id(executions.into_iter()));
            self.be_told().await?;
            let owned: Vec<Ownership> = self.owned.values().copied().collect();
            self.store.keep_told(&owned).await?;
        }
        Ok(())
    }

    /// Extends the leases, and nothing else: telling what the last owner left untold may take longer than a lease.
    async fn extend(&mut self) -> Result<(), Unavailable> {
        let tenure = self.store.renew(&Renewal { shares: false, ..self.renewal() }).await?;
        if tenure.kept.len() < self.owned.len() {
            return Err(Unavailable("a lease has run out before everything was told".to_owned()));
        }
        Ok(())
    }

    async fn resume_reading(&mut self) -> Result<(), Unavailable> {
        if self.reading {
            return Ok(());
        }
        self.fetched.clear();
        self.told_to.clone_from(&self.broker);
        self.transport.read_after(self.position.unwrap_or(0)).await?;
        // From here on a new start of the broker breaks the reading; one just before would go by unnoticed.
        if self.transport.stream().await?.broker != self.told_to {
            return Err(broker_started_again());
        }
        self.reading = true;
        Ok(())
    }

    async fn purge(&mut self, lowest_applied_seq: u64) {
        if lowest_applied_seq == 0 {
            return;
        }
        self.catalog.forget_through(lowest_applied_seq);
        if let Err(error) = self.transport.purge_through(self.incarnation, lowest_applied_seq).await {
            tracing::warn!(%error, "handled frames could not be purged; the next renewal tries again");
        }
    }

    /// Finishes what is under way and gives the partitions back.
    pub(super) async fn hand_over(&mut self) -> Result<(), Unavailable> {
        self.be_told().await?;
        self.store.release(&self.renewal()).await
    }

    /// Drops everything that may be wrong. What was committed but not told is in the outbox.
    pub(super) fn forget(&mut self) {
        self.owned.clear();
        self.position = None;
        self.reading = false;
        self.fetched.clear();
        self.alarm = Alarm::default();
        // Another reading begins, which has not stalled yet; and what fails otherwise is no stall.
        self.watched = Watched::default();
        self.unpublished.clear();
        self.telling = None;
        self.publishing.clear();
        self.renew_at = Instant::now();
    }
}

/// What it had acknowledged may be forgotten, so the partitions are taken over anew.
fn broker_started_again() -> Unavailable {
    Unavailable("the broker was started again".to_owned())
}
