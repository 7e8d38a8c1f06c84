//! Waiting for something that will come true, without guessing how long it takes.

use std::time::Duration;

use tokio::time::Instant;

/// What has not come true by then never will.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `condition` gives something.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub async fn eventually<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "this did not come true: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
