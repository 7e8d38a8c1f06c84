//! A system that workflows call with `http_request`.

use std::ops::Deref;

use serde_json::json;

use crate::fake_server::{FakeServer, Reply};

/// Answers `{"ok": true}` unless the test says something else: see [`FakeServer::next`].
pub struct FakeTarget(FakeServer);

impl FakeTarget {
    /// On a loopback port of its own.
    pub fn start() -> Self {
        Self::on("127.0.0.1")
    }

    /// On another address of this machine.
    ///
    /// # Panics
    /// When it cannot be listened on.
    pub fn on(address: &str) -> Self {
        Self(FakeServer::on(address, |_| Reply::json(200, &json!({"ok": true}))))
    }
}

impl Deref for FakeTarget {
    type Target = FakeServer;

    fn deref(&self) -> &FakeServer {
        &self.0
    }
}
