//! Trying again: with back-off and jitter, until the activity's deadline.

use std::time::Duration;

use contracts::v1;
use futures::future::BoxFuture;
use outbound::Retry;
use platform::clock;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

/// Attempts of one activity in one process.
const ATTEMPTS_MAX: u32 = 4;
/// Pause before the second attempt; each later one is twice as long.
const BACK_OFF: Duration = Duration::from_millis(500);
/// The last attempt ends so long before the activity has failed whatever happens: else whoever waits hears only that it was
/// too late, and not why.
const TELLING: Duration = Duration::from_secs(3);
/// Less time than this is not worth another attempt.
const WORTH_TRYING: Duration = Duration::from_millis(500);

/// An attempt, or all of them, did not work.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    /// Such as `HTTP_TIMED_OUT`.
    pub code: String,
    /// For people; without secrets.
    pub message: String,
    /// Whether another attempt may work.
    pub retry: Retry,
}

impl Failed {
    /// Another attempt would end the same.
    pub fn for_good(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), retry: Retry::Never }
    }

    /// Another attempt may work.
    pub fn for_now(code: &str, message: impl Into<String>) -> Self {
        Self { retry: Retry::Any, ..Self::for_good(code, message) }
    }
}

/// When the last attempt must be over.
fn deadline(activity: &v1::Activity) -> Instant {
    let left_ms = activity.deadline_at_ms.saturating_sub(clock::now_ms());
    Instant::now() + Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)).saturating_sub(TELLING)
}

/// Tries until it works, cannot work, or there is no time left.
pub(super) async fn until_it_works<'a, T>(
    activity: &v1::Activity,
    attempt: impl Fn(Instant) -> BoxFuture<'a, Result<T, Failed>> + Send,
) -> Result<T, Failed> {
    let deadline = deadline(activity);
    let mut number = 1;
    loop {
        let failed = match attempt(deadline).await {
            Ok(done) => return Ok(done),
            Err(failed) => failed,
        };
        let pause = match failed.retry {
            Retry::Never => return Err(failed),
            Retry::After(pause) => pause,
            Retry::Any => back_off(activity, number),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if number >= ATTEMPTS_MAX || pause + WORTH_TRYING > left {
            return Err(failed);
        }
        tokio::time::sleep(pause).await;
        number += 1;
    }
}

/// Between half of the pause and all of it, so that those that failed together do not come back together.
fn back_off(activity: &v1::Activity, number: u32) -> Duration {
    let whole = BACK_OFF * 2_u32.saturating_pow(number.saturating_sub(1));
    let mut name = activity.id.to_vec();
    name.extend(number.to_be_bytes());
    let share = u32::try_from(xxh3_64(&name) % 1000).unwrap_or(0);
    whole / 2 + whole / 2 * share / 1000
}
