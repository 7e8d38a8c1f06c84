//! Requests that carry an `Idempotency-Key`: done once, however often they are sent, and each time answered as at first.
//!
//! A row for each account, operation and key. `none –begin→ running –answered→ answered –24 h→ none`, and
//! `running –5xx, cut off, its time is over→ open –begin→ running`. Begin and answer are one statement each:
//! - Before the begin is committed nothing was done; after it, whoever dies leaves a row that is open when the request's own
//!   time is over, since nobody carries a request out for longer than that.
//! - What dies between the effect and the answer's commit may have had its effect: the request is then carried out again,
//!   as it would be without a key. Nothing is answered before that commit while the database is there.
//! - Two at once: the second finds the row running, and waits. An owner whose time was over changes nothing any more.
//! - A request goes on when its caller has gone away, so that the caller can ask for the answer again.
//!
//! Another request under a key that is kept is refused, also while it runs and when it is open. Deliberately absent: any
//! memory of a gateway's own, so restarts change nothing.

mod seal;

use std::time::Duration;

use bytes::Bytes;
use flow_model::AccountId;
use platform::clock;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use self::seal::Seal;
use crate::store::{Store, StoreError};

/// How soon it is looked again whether another one has its answer: first, and at most.
const LOOK_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How much longer a row is running than its request: nobody else begins while an owner may still be at it.
const RUNNING_MARGIN: Duration = Duration::from_secs(5);
/// An answer waits so long for being kept; then it is sent, and kept later.
const KEEPING_PATIENCE: Duration = Duration::from_secs(2);
/// Pause between attempts to keep an answer.
const KEEP_PAUSE: Duration = Duration::from_millis(500);
/// Pause between two looks for what is over.
const FORGET_PAUSE: Duration = Duration::from_mins(1);
/// Pieces that are removed at one look.
const PIECES_MAX: usize = 100;

/// A request, as it is known again.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    pub account: AccountId,
    /// The route.
    pub operation: &'static str,
    /// The caller's key.
    pub key: String,
    /// Of everything that makes it this request.
    pub sha256: [u8; 32],
    /// Where its answer holds a secret: how it is kept.
    pub seal: Option<Seal>,
}

/// What a request was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// How a request stands that was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nobody carries it out, and nobody has: it may begin.
    Open,
    /// Somebody carries it out.
    Running,
    /// Done.
    Answered(Answer),
    /// Another request has this key.
    Reused,
}

/// What to do with a request.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Carry it out.
    Own(Box<Running>),
    /// Answer as before.
    Answered(Answer),
    /// Another one is still carried out.
    Elsewhere,
    /// Another request has this key.
    Reused,
}

impl Keyed {
    /// An answer as it is kept.
    fn sealed(&self, answer: Answer) -> Option<Answer> {
        let Some(seal) = &self.seal else { return Some(answer) };
        Some(Answer { body: seal.seal(&self.sha256, &answer.body)?, ..answer })
    }

    /// An answer that was kept; none when it is another one's.
    fn opened(&self, answer: Answer) -> Option<Answer> {
        let Some(seal) = &self.seal else { return Some(answer) };
        Some(Answer { body: seal.open(&self.sha256, &answer.body)?, ..answer })
    }
}

/// A request that is being carried out here.
#[derive(Debug)]
pub(crate) struct Running {
    keyed: Keyed,
    owner: Uuid,
    until: Instant,
}

/// Knows requests again. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Idempotency {
    store: Store,
}

impl Idempotency {
    /// Over these tables.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Begins a request that ends within `time`, or waits for another one like it, `patience` at most.
    pub async fn begin(&self, keyed: Keyed, time: Duration, patience: Duration) -> Result<Begun, StoreError> {
        let (owner, started) = (clock::new_uuid_v4(), Instant::now());
        let mut pause = LOOK_PAUSES.0;
        loop {
            let until = Instant::now() + time + RUNNING_MARGIN;
            if self.store.begin(&keyed, owner, time + RUNNING_MARGIN).await? {
                return Ok(Begun::Own(Box::new(Running { keyed, owner, until })));
            }
            match self.store.look(&keyed).await? {
                Seen::Answered(answer) => {
                    return Ok(keyed.opened(answer).map_or(Begun::Reused, Begun::Answered));
                }
                Seen::Reused => return Ok(Begun::Reused),
                Seen::Open | Seen::Running if started.elapsed() + pause > patience => {
                    return Ok(Begun::Elsewhere);
                }
                Seen::Open | Seen::Running => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_PAUSES.1);
        }
    }

    /// Keeps an answer, so that it can be sent. While the database is away that goes on in the background.
    pub async fn keep(&self, running: Running, answer: Answer) {
        let Some(answer) = running.keyed.sealed(answer) else {
            tracing::error!("an answer with a secret cannot be sealed, and is not kept");
            return self.give_up(running).await;
        };
        let keeping = tokio::spawn(self.clone().keep_at_last(running, answer));
        if tokio::time::timeout(KEEPING_PATIENCE, keeping).await.is_err() {
            tracing::warn!("an answer is sent that is not kept yet");
        }
    }

    async fn keep_at_last(self, running: Running, answer: Answer) {
        while Instant::now() < running.until {
            match self.store.answer(&running.keyed, running.owner, &answer).await {
                Ok(true) => return,
                // Its time was over, and somebody else has begun.
                Ok(false) => break,
                Err(error) => tracing::warn!(%error, "an answer cannot be kept"),
            }
            tokio::time::sleep(KEEP_PAUSE).await;
        }
        metrics::counter!("turnloom_idempotency_answers_lost_total").increment(1);
    }

    /// Lets another one begin at once: this one came to no answer that counts.
    pub async fn give_up(&self, running: Running) {
        if let Err(error) = self.store.give_up(&running.keyed, running.owner).await {
            tracing::warn!(%error, "a request with an Idempotency-Key counts as running until its time is over");
        }
    }

    /// Removes what is over, for ever.
    pub async fn forget(self) {
        loop {
            tokio::time::sleep(FORGET_PAUSE).await;
            for _ in 0..PIECES_MAX {
                match self.store.forget_answers().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "old answers cannot be removed");
                        break;
                    }
                }
            }
        }
    }
}
