//! Live tails: an account's events as they are published, for callers that keep a request open.
//!
//! A tail fetches as fast as its caller reads and keeps nothing but its place and the last event of each partition.
//! Whatever fails below it is mended from its place; the caller hears of it in comments. It lasts no longer than what it was opened
//! with ([`standing`]). What is deliberately absent: a task or a buffer for each tail, and anything that outlives the request.

mod event;
mod frame;
pub(crate) mod place;
mod resume;
mod session;
mod slots;
mod standing;
mod wanted;

use std::time::Duration;

use bus::{Bus, Unavailable};
use contracts::subject;
use flow_model::AccountId;
use platform::lifecycle::Shutdown;
use tokio::sync::watch;

use place::Place;
pub(crate) use session::Session;
pub(crate) use slots::TooMany;
use slots::{Slot, Slots};
pub(crate) use standing::Credential;
pub(crate) use wanted::Wanted;

/// How many events of a bus message a tail can read; none when the message has no right form.
pub(crate) fn readable(payload: &[u8]) -> Option<usize> {
    let events = event::events_of(payload)?;
    Some(events.into_iter().filter(|raw| event::Event::read(raw).is_some()).count())
}

/// A caller that is gone is noticed when it is told something: so often all are told, before one too many is refused.
const CALLS: u32 = 3;
/// Time for that.
const CALL_PAUSE: Duration = Duration::from_millis(100);

/// No tail could be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TailError {
    /// There are enough of them.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The events cannot be read now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// All tails of this process.
pub(crate) struct Tails {
    bus: Bus,
    slots: Slots,
    calls: watch::Sender<u32>,
    stop: Shutdown,
}

impl Tails {
    /// So many at once at most.
    pub fn new(bus: Bus, tails_max: usize) -> Self {
        Self { bus, slots: Slots::new(tails_max), calls: watch::Sender::new(0), stop: Shutdown::new() }
    }

    /// Opens one: from a place on, or with the next event.
    pub async fn open(
        &self,
        account: AccountId,
        credential: Credential,
        wanted: Wanted,
        from: Option<Place>,
    ) -> Result<Session, TailError> {
        let slot = self.slot(account).await?;
        let types = wanted.types();
        let subjects = if types.is_empty() {
            vec![subject::events(account, ">")]
        } else {
            types.iter().map(|event_type| subject::events(account, event_type)).collect()
        };
        let begin = resume::begin(&self.bus, from).await?;
        let signals = Signals { calls: self.calls.subscribe(), stop: self.stop.clone() };
        Ok(Session::new(self.bus.clone(), subjects, wanted, begin, signals, credential, slot))
    }

    /// A place, if need be that of a caller who is gone.
    async fn slot(&self, account: AccountId) -> Result<Slot, TooMany> {
        for _ in 0..CALLS {
            if let Ok(slot) = self.slots.take(account) {
                return Ok(slot);
            }
            self.calls.send_modify(|calls| *calls = calls.wrapping_add(1));
            tokio::time::sleep(CALL_PAUSE).await;
        }
        self.slots.take(account)
    }

    /// Ends all of them, and those that are opened later.
    pub fn end(&self) {
        self.stop.request();
    }
}

/// What a tail hears from outside.
struct Signals {
    /// It is to say that it is there.
    calls: watch::Receiver<u32>,
    /// It is to end.
    stop: Shutdown,
}
