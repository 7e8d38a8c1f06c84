//! When to stop: one token that is asked for by a signal and heard by every loop.

use tokio_util::sync::CancellationToken;

/// A stop that may be asked for. Clones hear the same one.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// One that nobody has asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGINT and SIGTERM ask for. A second signal is left to the system's default only when the
    /// process hangs: it is not caught here.
    #[must_use]
    pub fn on_signals() -> Self {
        let shutdown = Self::new();
        let asked = shutdown.clone();
        tokio::spawn(async move {
            signalled().await;
            tracing::info!("asked to stop");
            asked.request();
        });
        shutdown
    }

    /// Asks for the stop.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it is asked for.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// A stop that is asked for with this one, or by itself.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token() }
    }
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler for SIGTERM Ctrl-C still works.
        tokio::signal::ctrl_c().await.ok();
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    tokio::signal::ctrl_c().await.ok();
}
