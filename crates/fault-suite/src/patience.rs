//! Waiting for what must come true, with a deadline that only a hang can miss.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Failure;

/// What has not come true by then never will: more than ten times the longest target.
pub const PATIENCE: Duration = Duration::from_mins(3);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until `condition` gives something, and says how long that took.
///
/// # Errors
/// When it does not within [`PATIENCE`], or looking fails.
pub async fn until<T, F>(what: &str, mut condition: impl FnMut() -> F) -> Result<(T, Duration), Failure>
where
    F: Future<Output = Result<Option<T>, Failure>>,
{
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await? {
            return Ok((value, begun.elapsed()));
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Late { what: what.to_owned(), seconds: PATIENCE.as_secs() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
