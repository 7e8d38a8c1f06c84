//! Readiness: named checks, each bounded in time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};

/// A check that takes longer has failed.
const CHECK_DEADLINE: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The checks of a process. Clones share them.
#[derive(Clone, Default)]
pub struct Health {
    checks: Arc<Mutex<Vec<(String, Check)>>>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

impl Health {
    /// No checks yet: ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check; the process is ready when all pass. The error is shown to operators.
    pub fn register(
        &self,
        name: impl Into<String>,
        check: impl Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    ) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push((name.into(), Arc::new(check)));
    }

    /// Runs all checks side by side and gives the failures, by name.
    pub async fn failures(&self) -> Vec<(String, String)> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let runs = checks.into_iter().map(|(name, check)| async move {
            let failure = match tokio::time::timeout(CHECK_DEADLINE, check()).await {
                Ok(Ok(())) => return None,
                Ok(Err(failure)) => failure,
                Err(_) => format!("no answer within {} s", CHECK_DEADLINE.as_secs()),
            };
            Some((name, failure))
        });
        join_all(runs).await.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_has_failed() {
        let health = Health::new();
        health.register("good", || Box::pin(async { Ok(()) }));
        health.register("hanging", || Box::pin(std::future::pending()));
        let failures = health.failures().await;
        assert_eq!(failures, [("hanging".to_owned(), "no answer within 2 s".to_owned())]);
    }
}
