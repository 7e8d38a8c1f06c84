//! The load: customers who say their next message when the last one is acknowledged.
//!
//! A message whose end is not known, or that was refused, is sent again with the same id through the other gateway until
//! one acknowledges it. So when the load is over, every message that was begun is acknowledged, and the scripts alone say
//! what must have become of everything.

pub mod flows;
pub mod hearing;
pub mod journal;
pub mod script;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, Response};
use serde_json::json;
use testkit::Api;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use crate::failure::Failure;
use crate::patience::PATIENCE;
use hearing::Hearing;
use journal::{Journal, Line, Outcome, Tally};
use script::{Script, Turn};

/// A request that takes longer hangs: the gateway ends each within 40 s.
const HANG: Duration = Duration::from_secs(45);
/// So much earlier the client itself may have given up on it.
const HANG_SLACK: Duration = Duration::from_millis(500);
/// Pause before a message is sent again.
const AGAIN: Duration = Duration::from_millis(200);
/// A message is sent so many times at most when messages are repeated.
const COPIES_MAX: usize = 5;
/// Of ten repeated messages so many are followed by one of the customer's earlier ones, too.
const EARLIER_OF_TEN: usize = 3;

/// How the customers talk.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Who, and what they have said before.
    pub customers: Vec<Spoken>,
    /// Messages begun in a second, of all together.
    pub per_second: u32,
    /// Messages under way at once.
    pub at_once: usize,
    /// Whether each message is sent several times, also through both gateways at once.
    pub repeats: bool,
    /// Whether a message counts as acknowledged only when its execution is over.
    pub waits: bool,
    /// Each customer says so many messages at most.
    pub turns_max: usize,
    /// Only this gateway is used, when one is named.
    pub only_gateway: Option<usize>,
    /// Customers wait for what they are told before they go on, if somebody listens.
    pub hearing: Option<Arc<Hearing>>,
}

impl Talk {
    /// So many customers, half of them greeted and half surveyed.
    pub fn of(customers: usize, per_second: u32) -> Self {
        Self {
            customers: (0..customers).map(Script::of_customer).map(Spoken::nothing).collect(),
            per_second,
            at_once: 64,
            repeats: false,
            waits: false,
            turns_max: usize::MAX,
            only_gateway: None,
            hearing: None,
        }
    }

    /// Customers of these scripts who listen, so that as many flows as customers may wait at once.
    pub fn listening(
        scripts: impl IntoIterator<Item = Script>,
        per_second: u32,
        hearing: &Arc<Hearing>,
    ) -> Self {
        let customers: Vec<Spoken> = scripts.into_iter().map(Spoken::nothing).collect();
        let at_once = customers.len();
        Self { customers, at_once, hearing: Some(Arc::clone(hearing)), ..Self::of(0, per_second) }
    }
}

/// A load under way.
pub struct Load {
    shared: Arc<Shared>,
    over: watch::Sender<bool>,
    talking: JoinHandle<Result<Vec<Spoken>, Failure>>,
}

struct Shared {
    gateways: [Api; 2],
    journal: Journal,
    acknowledged: AtomicUsize,
    talk: Talk,
}

/// What one customer has said: all messages below `turns`, each acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Spoken {
    /// The customer.
    pub script: Script,
    /// How many messages.
    pub turns: usize,
}

impl Spoken {
    /// Of a customer who has said nothing yet.
    pub fn nothing(script: Script) -> Self {
        Self { script, turns: 0 }
    }
}

/// A load that is over.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// By customer.
    pub spoken: Vec<Spoken>,
    /// What the requests were like.
    pub tally: Tally,
}

impl Said {
    /// How many messages.
    pub fn messages(&self) -> usize {
        self.spoken.iter().map(|spoken| spoken.turns).sum()
    }

    /// What these customers and those have said.
    pub fn and(mut self, other: Self) -> Self {
        self.spoken.extend(other.spoken);
        self.with_tally(other.tally)
    }

    /// The same with the requests of another load.
    pub fn with_tally(mut self, tally: Tally) -> Self {
        self.tally.ok += tally.ok;
        self.tally.refused += tally.refused;
        self.tally.not_sent += tally.not_sent;
        self.tally.unknown += tally.unknown;
        self.tally.slowest = self.tally.slowest.max(tally.slowest);
        self.tally.took.extend(tally.took);
        self.tally.problems.extend(tally.problems);
        self.tally.problems_in_all += tally.problems_in_all;
        self
    }
}

impl Load {
    /// Starts to talk through these gateways; the journal goes to the file `journal`.
    ///
    /// # Errors
    /// When the journal cannot be made.
    pub fn start(gateways: &[Api; 2], talk: Talk, journal: &Path, rng: StdRng) -> Result<Self, Failure> {
        let journal = Journal::create(journal)?;
        let acknowledged = AtomicUsize::new(talk.customers.iter().map(|spoken| spoken.turns).sum());
        let shared = Arc::new(Shared { gateways: gateways.clone(), journal, acknowledged, talk });
        let (over, seen) = watch::channel(false);
        let talking = tokio::spawn(talk_on(Arc::clone(&shared), seen, rng));
        Ok(Self { shared, over, talking })
    }

    /// Messages that are acknowledged, with those that the customers had said before.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// What the requests were like so far.
    pub fn tally(&self) -> Tally {
        self.shared.journal.tally()
    }

    /// Begins no message any more, and waits until all that were begun are acknowledged.
    ///
    /// # Errors
    /// When a task of the load has failed.
    pub async fn finish(self) -> Result<Said, Failure> {
        self.over.send_replace(true);
        self.wait().await
    }

    /// Waits until everybody has said all messages.
    ///
    /// # Errors
    /// When a task of the load has failed.
    pub async fn wait(self) -> Result<Said, Failure> {
        let spoken = self.talking.await??;
        Ok(Said { spoken, tally: self.shared.journal.tally() })
    }
}

async fn talk_on(
    shared: Arc<Shared>,
    mut is_over: watch::Receiver<bool>,
    mut rng: StdRng,
) -> Result<Vec<Spoken>, Failure> {
    let talk = &shared.talk;
    let mut free: VecDeque<Spoken> = talk.customers.iter().copied().collect();
    let mut over = Vec::new();
    let mut under_way: JoinSet<Spoken> = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / talk.per_second.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        if *is_over.borrow() || (free.is_empty() && under_way.is_empty()) {
            break;
        }
        let may_talk = !free.is_empty() && under_way.len() < talk.at_once;
        tokio::select! {
            biased;
            // The sender is gone when the fault has failed.
            changed = is_over.changed() => if changed.is_err() { break },
            Some(spoken) = under_way.join_next() => {
                let spoken = spoken?;
                if spoken.turns < talk.turns_max { free.push_back(spoken) } else { over.push(spoken) }
            }
            _ = ticks.tick(), if may_talk => {
                if let Some(spoken) = free.pop_front() {
                    let rng = StdRng::seed_from_u64(rng.random());
                    under_way.spawn(say_next(Arc::clone(&shared), spoken, rng));
                }
            }
        }
    }
    over.extend(free);
    while let Some(spoken) = under_way.join_next().await {
        over.push(spoken?);
    }
    Ok(over)
}

/// Says the next message, in each lane.
async fn say_next(shared: Arc<Shared>, spoken: Spoken, mut rng: StdRng) -> Spoken {
    let script = spoken.script;
    let customer = script.customer();
    let mut copies = Vec::new();
    for n in spoken.turns..spoken.turns + script.lanes {
        let times = if shared.talk.repeats { rng.random_range(1..=COPIES_MAX) } else { 1 };
        copies.extend(std::iter::repeat_n(n, times));
    }
    if shared.talk.repeats && spoken.turns > 0 && rng.random_range(0..10) < EARLIER_OF_TEN {
        copies.push(rng.random_range(0..spoken.turns));
    }
    let first: usize = rng.random_range(0..2);
    let sent = copies.iter().enumerate().map(|(copy, n)| {
        let turn = script.turn(*n);
        let first = shared.talk.only_gateway.unwrap_or((first + copy) % 2);
        let (shared, customer) = (&shared, customer.as_str());
        async move { send(shared, customer, *n, &turn, first).await }
    });
    let acknowledged = futures::future::join_all(sent).await.into_iter().all(|kept| kept);
    let said = if acknowledged { script.lanes } else { 0 };
    shared.acknowledged.fetch_add(said, Ordering::Relaxed);
    let spoken = Spoken { script, turns: spoken.turns + said };
    if let Some(hearing) = &shared.talk.hearing {
        let over = spoken.turns.saturating_sub(script.kind.ahead());
        if !hearing.hears(&customer, script.replies_to(over)).await {
            shared.journal.problem(format!("I1: {customer} never heard the end of message {over}"));
        }
    }
    spoken
}

/// Sends a message through one gateway or the other until one acknowledges it; gives whether one did.
async fn send(shared: &Shared, customer: &str, sequence: usize, turn: &Turn, first: usize) -> bool {
    let body = json!({
        "customer_id": customer,
        "channel": "web",
        "message": turn.says,
        "message_id": turn.message_id,
    });
    let begun = Instant::now();
    for attempt in 0.. {
        let number = shared.talk.only_gateway.unwrap_or((first + attempt) % 2);
        let Some(gateway) = shared.gateways.get(number) else { return false };
        let mut request = gateway.request(Method::POST, "/v1/messages").json(&body);
        if shared.talk.waits {
            request = request.header("prefer", "wait=30");
        }
        let asked = Instant::now();
        let (outcome, answer) = match request.send().await {
            Ok(response) => read(response).await,
            Err(error) if error.is_connect() => (Outcome::NotSent, None),
            Err(_) => (Outcome::Unknown, None),
        };
        let took = asked.elapsed();
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let line = Line {
            at_ms: platform::clock::now_ms(),
            customer,
            sequence,
            message_id: &turn.message_id,
            gateway: number,
            outcome,
            status,
            took_ms: took.as_millis(),
        };
        shared.journal.note(&line, took);
        if took + HANG_SLACK >= HANG {
            shared.journal.problem(format!("a request to gateway-{number} hung for {} s", took.as_secs()));
        }
        match (outcome, answer) {
            (Outcome::Ok, _) => return true,
            (Outcome::Wrong, Some(answer)) => {
                shared.journal.problem(format!("an answer that must not be: {status} {}", answer.text));
                return false;
            }
            (Outcome::Refused, Some(answer)) if !answer.says_when => {
                shared.journal.problem(format!("an answer {status} without Retry-After: {}", answer.text));
            }
            (Outcome::Refused | Outcome::NotSent | Outcome::Unknown | Outcome::Wrong, _) => {}
        }
        if begun.elapsed() > PATIENCE {
            shared.journal.problem(format!("{customer} {} was never acknowledged", turn.message_id));
            return false;
        }
        tokio::time::sleep(AGAIN).await;
    }
    false
}

/// An answer of a gateway.
struct Answer {
    status: u16,
    /// Whether it says when to try again.
    says_when: bool,
    text: String,
}

async fn read(response: Response) -> (Outcome, Option<Answer>) {
    let status = response.status().as_u16();
    let when = response.headers().get(RETRY_AFTER).and_then(|when| when.to_str().ok());
    let says_when = when.is_some_and(|when| when.parse::<u64>().is_ok());
    // An answer that breaks off is none.
    let Ok(text) = response.text().await else { return (Outcome::Unknown, None) };
    let outcome = match status {
        200 | 202 => Outcome::Ok,
        503 | 504 => Outcome::Refused,
        _ => Outcome::Wrong,
    };
    (outcome, Some(Answer { status, says_when, text }))
}
