//! When a request must be answered, and how its time is shared between waiting and asking.

use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest};
use tokio::time::Instant;

/// What became of an input is asked for so long at most when its answer did not come.
const LOOK_UP_MAX: Duration = Duration::from_secs(3);
/// The part of the time that is left which is kept for asking, when that is less.
const LOOK_UP_PART: u32 = 4;
/// Kept for writing the answer.
const ANSWERING: Duration = Duration::from_millis(250);

/// When a request must be answered: an answer that says less is better than none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// So long after now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// That of a request.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().copied().unwrap_or_else(|| Self::after(Duration::ZERO))
    }

    /// How long may be waited for an answer, so that afterwards there is time to ask.
    pub fn wait(self, wanted: Duration) -> Duration {
        let left = self.left();
        wanted.min(left.saturating_sub(LOOK_UP_MAX.min(left / LOOK_UP_PART)))
    }

    /// How long may be asked.
    pub fn look_up(self) -> Duration {
        LOOK_UP_MAX.min(self.left())
    }

    /// How long is left, but for writing the answer.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(ANSWERING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waiting_and_asking_fit_into_the_time_of_the_request() {
        let seconds = Duration::from_secs;
        for (timeout, waited) in [
            (seconds(40), seconds(30)),
            (seconds(30), Duration::from_millis(26_750)),
            (Duration::from_millis(1250), Duration::from_millis(750)),
            (Duration::ZERO, Duration::ZERO),
        ] {
            let deadline = Deadline::after(timeout);
            assert_eq!(deadline.wait(seconds(30)), waited, "{timeout:?}");
            assert!(deadline.look_up() <= LOOK_UP_MAX, "{timeout:?}");
            tokio::time::advance(waited).await;
            assert!(waited + deadline.look_up() <= timeout, "{timeout:?}");
        }
    }
}
