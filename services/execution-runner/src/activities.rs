//! Activities: what flows wait for is done here, by any runner, whoever owns the conversation.
//!
//! An activity is handed out by the broker, done within its deadline, and its end is put into the stream of its partition before
//! the broker hears that it is done. Whoever dies in between has it done once more, under the same idempotency key; the number of
//! the wait makes the second end nothing.

mod answer;
mod http;
mod retry;
mod secret;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use bus::activities::{Activities, HEARD_EVERY, HandedOut};
use bus::frames::Writer;
use contracts::v1;
use flow_engine::CallKind;
use platform::lifecycle::Shutdown;
use platform::{clock, descriptors};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use self::answer::Answering;
pub(crate) use self::http::Calling;
use self::retry::Failed;
use crate::partition::activity;

/// Activities of one kind that one process does at once. Nearly all of their time they wait for another system, which costs little but
/// a connection; they are fewer where the process may open too few files.
const AT_ONCE: usize = 448;
/// Of these for one account.
const AT_ONCE_OF_AN_ACCOUNT: usize = 384;
/// Activities that a process has taken: they are done, or wait for their turn, which costs less than to be handed out again and
/// again. An account may have as many as there are free places, so that one with very many leaves room for the others; what is
/// more goes back to the broker for a while.
const TAKEN_MAX: usize = 4 * AT_ONCE;
/// Longest wait for activities, so that a stop is noticed soon.
const WAIT: Duration = Duration::from_millis(500);
/// Pause after a failure of the broker.
const PAUSE: Duration = Duration::from_secs(1);
/// What is under way when the stop is asked for has so long to end.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Results are put into a stream together with those that come within this time: each frame costs a sync and a commit, and
/// whoever has waited for another system does not notice.
const GATHER: Duration = Duration::from_millis(10);
/// Whoever has waited for this long …
const SLOW: Duration = Duration::from_secs(1);
/// … does not notice this either.
const GATHER_SLOW: Duration = Duration::from_millis(50);
/// Bytes of a result, so that it fits into a frame.
const RESULT_BYTES_MAX: usize = 512 * 1024;

/// Does activities of all kinds.
#[derive(Clone)]
pub(crate) struct Workshop {
    bus: Bus,
    /// For each group: of what was done soon, and of what took long.
    writers: Arc<Vec<Writer>>,
    slow_writers: Arc<Vec<Writer>>,
    answering: Arc<Answering>,
    calling: Arc<Calling>,
}

impl Workshop {
    /// With these tools; results go to the streams of so many groups.
    pub fn new(bus: Bus, groups: u32, answering: Answering, calling: Calling) -> Self {
        let [writers, slow_writers] = [GATHER, GATHER_SLOW].map(|within| {
            Arc::new((0..groups).map(|group| Writer::gathering(&bus, group, within)).collect())
        });
        Self { bus, writers, slow_writers, answering: Arc::new(answering), calling: Arc::new(calling) }
    }

    /// Works until the stop is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        let kinds = [CallKind::Answer, CallKind::Http];
        let at_once = descriptors::fitting(kinds.len() * AT_ONCE).div_ceil(kinds.len());
        futures::future::join_all(kinds.map(|kind| self.clone().do_all(kind, at_once, shutdown.clone())))
            .await;
    }

    async fn do_all(self, kind: CallKind, at_once: usize, shutdown: Shutdown) {
        let places = Arc::new(Semaphore::new(at_once));
        let mut accounts: HashMap<bytes::Bytes, Arc<Semaphore>> = HashMap::new();
        let mut under_way = JoinSet::new();
        let mut joined = None;
        while !shutdown.is_requested() {
            reap(&mut under_way);
            accounts.retain(|_, places| Arc::strong_count(places) > 1);
            if under_way.len() >= TAKEN_MAX {
                under_way.join_next().await;
                continue;
            }
            let taken = match &mut joined {
                None => match Activities::join(&self.bus, activity::kind_name(kind)).await {
                    Ok(activities) => {
                        joined = Some(activities);
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Some(activities) => match tokio::time::timeout(WAIT, activities.next()).await {
                    Ok(taken) => taken,
                    Err(_) => continue,
                },
            };
            let handed_out = match taken {
                Ok(handed_out) => handed_out,
                Err(error) => {
                    tracing::warn!(kind = activity::kind_name(kind), %error, "no activities can be had; trying again");
                    joined = None;
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = shutdown.requested() => {}
                    }
                    continue;
                }
            };
            let account = handed_out.activity.as_ref().map(|activity| activity.account_id.clone());
            let account = accounts
                .entry(account.unwrap_or_default())
                .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_OF_AN_ACCOUNT)));
            reap(&mut under_way);
            // Each activity that is taken holds its account's semaphore, be it by a place in it.
            if !is_taken(&handed_out, Arc::strong_count(account) - 1, TAKEN_MAX - under_way.len()) {
                metrics::counter!("turnloom_runner_activities_given_back_total", "kind" => activity::kind_name(kind))
                    .increment(1);
                handed_out.give_back().await;
                continue;
            }
            let (workshop, account, places) = (self.clone(), Arc::clone(account), Arc::clone(&places));
            under_way.spawn(async move { workshop.end(handed_out, account, places).await });
        }
        let all = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(END_WITHIN, all).await.is_err() {
            tracing::warn!(kind = activity::kind_name(kind), "activities under way are left to others");
        }
    }

    /// Does one activity, puts its end into the stream, and tells the broker.
    async fn end(&self, handed_out: HandedOut, account: Arc<Semaphore>, places: Arc<Semaphore>) {
        let Some(activity) = handed_out.activity.clone() else { return handed_out.is_done().await };
        let begun = Instant::now();
        let doing = async {
            if is_late(&activity) {
                return Err(too_late());
            }
            let _of_account = permit(account).await;
            let _place = permit(places).await;
            if is_late(&activity) { Err(too_late()) } else { self.perform(&activity).await }
        };
        tokio::pin!(doing);
        let mut heard = tokio::time::interval(HEARD_EVERY);
        heard.tick().await;
        let ended = loop {
            tokio::select! {
                ended = &mut doing => break ended,
                _ = heard.tick() => handed_out.is_under_way().await,
            }
        };
        let outcome = if ended.is_ok() { "ok" } else { "failed" };
        metrics::counter!("turnloom_runner_activities_total", "kind" => activity.kind.clone(), "outcome" => outcome)
            .increment(1);
        let ended = ended.map_err(|failed| {
            tracing::info!(kind = activity.kind, code = failed.code, "an activity has failed");
            v1::ActivityFailure { code: failed.code, message: failed.message }
        });
        let result = activity::result(&activity, clock::now_ms(), ended);
        let writers = if begun.elapsed() < SLOW { &self.writers } else { &self.slow_writers };
        let Some(writer) = writers.get(activity.partition as usize % writers.len().max(1)) else { return };
        match writer.append(result).await {
            Ok(_) => handed_out.is_done().await,
            // It is handed out again, to somebody who may reach the stream.
            Err(error) => tracing::warn!(%error, "the end of an activity was not stored"),
        }
    }

    /// The output, as JSON.
    async fn perform(&self, activity: &v1::Activity) -> Result<bytes::Bytes, Failed> {
        let output = match activity.kind.as_str() {
            "answer" => self.answering.perform(activity).await,
            "http" => self.calling.perform(activity).await,
            other => Err(Failed::for_good("ACTIVITY_UNKNOWN", format!("nobody knows how to do {other}"))),
        }?;
        let output = serde_json::Value::Object(output).to_string();
        if output.len() > RESULT_BYTES_MAX {
            let message = format!("what came back is longer than {RESULT_BYTES_MAX} bytes");
            return Err(Failed::for_good("RESULT_TOO_LARGE", message));
        }
        Ok(output.into())
    }
}

/// Forgets what has ended.
fn reap(under_way: &mut JoinSet<()>) {
    while under_way.try_join_next().is_some() {}
}

/// Whether an activity is taken by a process that has so many of its account, and so many free places. What is too late costs
/// nobody a place for long.
fn is_taken(handed_out: &HandedOut, of_account: usize, free: usize) -> bool {
    of_account < free || handed_out.activity.as_ref().is_none_or(is_late)
}

fn is_late(activity: &v1::Activity) -> bool {
    clock::now_ms() >= activity.deadline_at_ms
}

fn too_late() -> Failed {
    Failed::for_good("ACTIVITY_TIMED_OUT", "its turn came too late")
}

/// A place; these semaphores are never closed.
async fn permit(places: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    places.acquire_owned().await.ok()
}
