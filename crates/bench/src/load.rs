//! The load: connections that send what their scripts say, as quickly as they are answered or by a schedule.
//!
//! It runs on one thread of its own, so that it disturbs the product as little as it can, and counts only what falls
//! into a window after the warm-up.

mod schedule;
mod script;
mod tally;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use crate::http::{Connection, Request, Target};

pub use schedule::Schedule;
pub use script::{Outcome, Script};
pub use tally::Tally;

/// A connection that broke is made again after this.
const PAUSE: Duration = Duration::from_millis(100);
/// After the window an open load goes on so long with what it could not send yet.
const LATE_MAX: Duration = Duration::from_secs(20);
/// How often the pacer of an open load wakes up at least.
const PACE_MAX: Duration = Duration::from_millis(50);

/// How a load is run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// When requests are sent.
    pub schedule: Schedule,
    /// How long nothing is counted.
    pub warm_up: Duration,
    /// How long it is counted.
    pub window: Duration,
}

impl Plan {
    fn end(&self) -> Duration {
        self.warm_up + self.window
    }
}

/// A load under way.
pub struct Load<S> {
    /// When it began.
    pub begun: Instant,
    answered: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: thread::JoinHandle<anyhow::Result<(Tally, Vec<S>)>>,
}

impl<S: Script + 'static> Load<S> {
    /// Begins; each script has a connection of its own.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn begin(target: &Target, prefer: Option<&str>, plan: Plan, scripts: Vec<S>) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let (answered, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let requests: Vec<Request> = scripts.iter().map(|_| Request::of(target, prefer)).collect();
        let (address, told, over) = (target.address, Arc::clone(&answered), Arc::clone(&ended));
        let work = move || -> anyhow::Result<(Tally, Vec<S>)> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let state = Rc::new(Shared {
                plan,
                begun,
                tally: RefCell::new(Tally::new()?),
                next: Cell::new(0),
                due: Arc::new(Semaphore::new(0)),
                answered: told,
            });
            pace(&state, &over);
            let local = LocalSet::new();
            let talks: Vec<_> = scripts
                .into_iter()
                .zip(requests)
                .map(|(script, request)| {
                    local.spawn_local(talk(Rc::clone(&state), script, request, Connection::to(address)))
                })
                .collect();
            let scripts = local.block_on(&runtime, futures::future::try_join_all(talks));
            over.store(true, Ordering::Relaxed);
            let tally = state.tally.borrow().clone();
            Ok((tally, scripts.context("a connection of the load has panicked")?))
        };
        let thread = thread::Builder::new().name("load".to_owned()).spawn(work)?;
        Ok(Self { begun, answered, ended, thread })
    }

    /// Waits until it is over.
    ///
    /// # Errors
    /// When it could not be run.
    pub async fn end(self) -> anyhow::Result<(Tally, Vec<S>)> {
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the load has panicked"))?
    }

    /// Requests that were answered so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// What the connections of a load share.
struct Shared {
    plan: Plan,
    begun: Instant,
    tally: RefCell<Tally>,
    /// The number of the request that is sent next.
    next: Cell<u64>,
    /// Requests that are due and not begun.
    due: Arc<Semaphore>,
    answered: Arc<AtomicU64>,
}

/// Lets requests of an open load go when they are due. A thread that sleeps is more exact than the runtime's timer,
/// which knows milliseconds only.
fn pace(state: &Rc<Shared>, over: &Arc<AtomicBool>) {
    let (plan, begun) = (state.plan, state.begun);
    if plan.schedule == Schedule::Closed {
        return;
    }
    let (due, over) = (Arc::clone(&state.due), Arc::clone(over));
    thread::spawn(move || {
        let mut released = 0;
        while !over.load(Ordering::Relaxed) {
            let elapsed = begun.elapsed().min(plan.end());
            let now_due = plan.schedule.due(elapsed);
            due.add_permits(crate::number::index(now_due - released));
            released = now_due;
            if elapsed == plan.end() {
                // Who waits for one that never comes learns so.
                due.close();
                return;
            }
            let next = plan.schedule.intended(released).unwrap_or_default();
            thread::sleep(next.saturating_sub(begun.elapsed()).min(PACE_MAX));
        }
    });
}

/// One connection's part of the load.
async fn talk<S: Script>(
    state: Rc<Shared>,
    mut script: S,
    mut request: Request,
    mut connection: Connection,
) -> S {
    while let Some(from) = state.turn().await {
        if !script.next(&mut request) {
            break;
        }
        let begun = state.begun.elapsed();
        let exchanged = connection.exchange(&request).await;
        let ended = state.begun.elapsed();
        let outcome = match exchanged {
            Ok((status, body)) => script.answered(status, body),
            Err(error) => script.unanswered(&error),
        };
        let unanswered = outcome == Outcome::Unknown;
        // An open load counts from when the request was to be sent, a closed one from when it was sent.
        let from = from.unwrap_or(begun);
        state.count(outcome, from, ended);
        if unanswered {
            tokio::time::sleep(PAUSE).await;
        }
    }
    script
}

impl Shared {
    /// Waits until this connection may send its next request. Gives when that was to be, in an open load; none when the
    /// load is over.
    async fn turn(&self) -> Option<Option<Duration>> {
        let end = self.plan.end();
        if self.plan.schedule == Schedule::Closed {
            return (self.begun.elapsed() < end).then_some(None);
        }
        if let Ok(permit) = self.due.acquire().await {
            permit.forget();
        }
        loop {
            let n = self.next.get();
            self.next.set(n + 1);
            let intended = self.plan.schedule.intended(n).filter(|intended| *intended < end)?;
            let now = self.begun.elapsed();
            if now <= end + LATE_MAX {
                return Some(Some(intended));
            }
            // It is at least so late.
            self.tally.borrow_mut().never_sent(now.saturating_sub(intended));
        }
    }

    fn count(&self, outcome: Outcome, from: Duration, ended: Duration) {
        let (start, end) = (self.plan.warm_up, self.plan.end());
        let in_window = (start..end).contains(&ended);
        let timed =
            if self.plan.schedule == Schedule::Closed { in_window } else { (start..end).contains(&from) };
        let took = ended.saturating_sub(from);
        self.tally.borrow_mut().count(outcome, in_window, timed.then_some(took));
        if outcome != Outcome::Unknown {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
