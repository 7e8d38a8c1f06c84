//! Starting beside others: what a process needs may come up a little later than itself.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;

/// What is not there by then keeps the process from starting.
const DEADLINE: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

/// Tries until it works, but not for ever; each failure is logged.
///
/// # Errors
/// The last failure, after 30 seconds.
pub async fn patiently<T, E, F>(what: &str, mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(error) => tracing::warn!(what, %error, "this is not there yet; trying again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_up_later_is_waited_for() {
        let attempts = Cell::new(0);
        let result: Result<&str, &str> = patiently("it", || {
            attempts.set(attempts.get() + 1);
            std::future::ready(if attempts.get() < 3 { Err("not yet") } else { Ok("there") })
        })
        .await;
        assert_eq!((result, attempts.get()), (Ok("there"), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_up_is_given_up() {
        let result: Result<(), &str> = patiently("it", || std::future::ready(Err("never"))).await;
        assert_eq!(result, Err("never"));
    }
}
