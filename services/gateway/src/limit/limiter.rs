//! Lets requests pass: what is held for each key and class, and the tasks that lease it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use platform::clock;
use tokio::sync::OwnedMutexGuard;

use super::holding::{Asked, Holding, Take};
use super::moment::Moment;
use super::terms::Terms;
use super::{Standing, Subject, WINDOW_SECONDS};
use crate::store::Store;

/// Keys and classes that are remembered.
const DESKS_MAX: u64 = 100_000;
/// They are forgotten after this time without a request; what they held is given back long before.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);
/// How long the ledger is waited for by a request that could pass by the share.
const PATIENCE: Duration = Duration::from_millis(500);
/// Times that one request asks: each time others may have been quicker to use what was leased.
const ROUNDS_MAX: usize = 100;
/// Pause between two looks at what is held and not used.
const SWEEP_PAUSE: Duration = Duration::from_secs(5);
/// Ledgers that are over are removed every so many looks.
const FORGET_EVERY: u64 = 120;
/// Pieces of them that are removed at once.
const PIECES_MAX: usize = 100;
/// How long a gateway that stops takes to give back what it holds.
const ENDING: Duration = Duration::from_secs(3);

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It counts, and may go on.
    Admitted(Standing),
    /// It is over the limit.
    Refused(Standing),
    /// The ledger is away, and nothing that was leased is left.
    Unknown,
}

/// Counts the requests of all keys. Clones share the counts.
#[derive(Clone)]
pub(crate) struct Limiter {
    store: Store,
    desks: Cache<Subject, Arc<Desk>>,
}

/// One key and class.
#[derive(Default)]
struct Desk {
    holding: Mutex<Holding>,
    /// One asks the ledger at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Desk {
    fn holding(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limiter {
    /// Holds nothing yet.
    pub fn new(store: Store) -> Self {
        Self { store, desks: Cache::builder().max_capacity(DESKS_MAX).time_to_idle(FORGOTTEN_AFTER).build() }
    }

    /// Counts a request, unless it is over this limit.
    pub async fn admit(&self, subject: Subject, limit: u32) -> Admission {
        let terms = Terms::of(limit);
        let desk = self.desks.get_with(subject, Arc::default);
        for _ in 0..ROUNDS_MAX {
            let now = Moment::now();
            let (take, low, standing) = look(&desk, subject, &terms, now);
            match take {
                Take::Passed | Take::PassedAlone => {
                    if take == Take::PassedAlone {
                        count_alone("passed");
                    }
                    if low && terms.is_ahead() {
                        self.lease_ahead(subject, &desk, terms);
                    }
                    return Admission::Admitted(standing);
                }
                Take::Full => return Admission::Refused(standing),
                Take::Unknown => break,
                Take::Ask => self.lease_now(subject, &desk, terms).await,
            }
        }
        count_alone("refused");
        Admission::Unknown
    }

    /// In the background, unless somebody does already.
    fn lease_ahead(&self, subject: Subject, desk: &Arc<Desk>, terms: Terms) {
        if let Ok(turn) = Arc::clone(&desk.turn).try_lock_owned() {
            tokio::spawn(self.clone().lease(subject, Arc::clone(desk), terms, turn));
        }
    }

    /// Waits for a slice. The lease goes on when the request is gone.
    async fn lease_now(&self, subject: Subject, desk: &Arc<Desk>, terms: Terms) {
        let leasing = async {
            let turn = Arc::clone(&desk.turn).lock_owned().await;
            let task = tokio::spawn(self.clone().lease(subject, Arc::clone(desk), terms, turn));
            if let Err(error) = task.await {
                tracing::error!(%error, "a lease panicked");
            }
        };
        if !desk.holding().has_share(Moment::now()) {
            return leasing.await;
        }
        if tokio::time::timeout(PATIENCE, leasing).await.is_err() {
            desk.holding().wait_no_longer(Moment::now());
        }
    }

    async fn lease(self, subject: Subject, desk: Arc<Desk>, terms: Terms, turn: OwnedMutexGuard<()>) {
        let now = Moment::now();
        let asked = {
            let mut holding = desk.holding();
            // Whoever had the turn before may have leased enough.
            if !holding.wants(&terms, now) {
                return;
            }
            holding.ask(&terms, now, clock::new_uuid_v4)
        };
        self.ask(subject, &desk, &asked).await;
        drop(turn);
    }

    /// Gives whether the ledger could be asked.
    async fn ask(&self, subject: Subject, desk: &Desk, asked: &Asked) -> bool {
        let answer = self.store.lease(subject, asked.ask.clone()).await;
        let mut holding = desk.holding();
        match answer {
            Ok(granted) => {
                count_lease(if granted.sizes.contains(&0) { "partly" } else { "granted" });
                holding.granted(asked, &granted, Moment::now());
                true
            }
            Err(error) => {
                tracing::warn!(%error, "limits cannot be shared with other gateways");
                count_lease("failed");
                holding.failed(asked, Moment::now());
                false
            }
        }
    }

    /// Gives back what is not used, and removes ledgers that are over, for ever.
    pub async fn keep(self) {
        let mut looks: u64 = 0;
        loop {
            tokio::time::sleep(SWEEP_PAUSE).await;
            looks += 1;
            self.give_back().await;
            if looks.is_multiple_of(FORGET_EVERY) {
                self.forget().await;
            }
        }
    }

    /// Uses nothing any more and gives everything back, for the other gateways.
    pub async fn end(&self) {
        for (_, desk) in &self.desks {
            desk.holding().close_all();
        }
        if tokio::time::timeout(ENDING, self.give_back()).await.is_err() {
            tracing::info!("not all of the limits that were leased could be given back in time");
        }
    }

    async fn give_back(&self) {
        for (subject, desk) in &self.desks {
            let turn = desk.turn.lock().await;
            let asked = desk.holding().give_back(Moment::now());
            let asking = async {
                match asked {
                    Some(asked) => self.ask(*subject, &desk, &asked).await,
                    None => true,
                }
            };
            let reached = asking.await;
            drop(turn);
            if !reached {
                return;
            }
        }
    }

    async fn forget(&self) {
        for _ in 0..PIECES_MAX {
            match self.store.forget_ledgers().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return tracing::warn!(%error, "old limits cannot be removed"),
            }
        }
    }
}

/// What becomes of a request now, whether more has to be leased, and how the key stands then.
fn look(desk: &Desk, subject: Subject, terms: &Terms, now: Moment) -> (Take, bool, Standing) {
    let mut holding = desk.holding();
    let take = holding.take(terms, now);
    let seconds = |ms: i64| ms.div_euclid(1000) + i64::from(ms.rem_euclid(1000) > 0);
    let frees = holding.frees_in_ms(now).map(seconds);
    let reset_seconds = match take {
        // More is asked for a second later at the earliest.
        Take::Full => frees.unwrap_or(WINDOW_SECONDS).max(1),
        Take::Passed | Take::PassedAlone | Take::Ask | Take::Unknown => frees.unwrap_or(0),
    };
    let remaining = holding.remaining(terms, now);
    let standing = Standing { class: subject.class, limit: terms.limit, remaining, reset_seconds };
    (take, holding.wants(terms, now), standing)
}

fn count_lease(outcome: &'static str) {
    metrics::counter!("turnloom_rate_limit_leases_total", "outcome" => outcome).increment(1);
}

/// Of a request that met no ledger: whether the share sufficed.
fn count_alone(outcome: &'static str) {
    metrics::counter!("turnloom_rate_limit_alone_total", "outcome" => outcome).increment(1);
}
