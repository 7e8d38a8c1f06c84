//! How long something is waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A body must be there within this time, not counting the time in which we did not read.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// It gets one second more for so many bytes that have come.
const BODY_BYTES_PER_SECOND: u64 = 64 * 1024;

/// A clock that wakes whoever waits. Made when it is first needed, since most connections never need it.
#[derive(Debug, Default)]
pub(super) struct Patience(Option<Pin<Box<Sleep>>>);

impl Patience {
    /// Whether it is that time; if not, the task is woken then.
    pub fn is_over(&mut self, cx: &mut Context<'_>, deadline: Instant) -> bool {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).is_ready()
    }
}

/// How long a body has been waited for, all waits together: who sends a byte now and then gains nothing by it.
#[derive(Debug, Default)]
pub(super) struct BodyWait {
    waited: Duration,
    since: Option<Instant>,
    bytes: u64,
}

impl BodyWait {
    /// Something has come.
    pub fn came(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Nothing is there: until when it is waited for.
    pub fn deadline(&mut self) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        let allowed = BODY_DEADLINE + Duration::from_secs(self.bytes / BODY_BYTES_PER_SECOND);
        since + allowed.saturating_sub(self.waited)
    }
}
