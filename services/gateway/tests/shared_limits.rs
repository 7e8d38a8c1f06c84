//! Gateways that share a limit, as processes that are killed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::Gateway;
use gateway::key::Level;
use reqwest::Method;
use serde_json::Value;
use testkit::Api;

const LIMIT: usize = 200;
/// What a gateway holds of it at most: a slice and a share.
const HELD: usize = 10 + 2;
const GATEWAYS: usize = 3;
/// Requests that are under way at once.
const SENDERS: usize = 6;
/// What is malformed counts, and needs nobody behind the gateway.
const PATH: &str = "/v1/workflows?limit=0";

/// A gateway of its own; killed when it goes away.
struct Process {
    child: Child,
    api: Api,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Process {
    fn start(database_url: &str, nats_url: &str, key: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(["--listen", "127.0.0.1:0", "--database-url", database_url, "--nats-url", nats_url])
            .args(["--log", "info", "--log-format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let said: Value = serde_json::from_str(&line.unwrap()).unwrap_or_default();
            let ready = said.pointer("/fields/message")? == "ready";
            ready.then(|| said.pointer("/fields/address")?.as_str().map(str::to_owned))?
        });
        // What else it says is read away, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, api: Api::new(format!("http://{}", address.unwrap()), key) }
    }
}

/// The three, each of which may be dead, and what came of the requests.
struct Fleet {
    start: Box<dyn Fn() -> Process + Send + Sync>,
    gateways: [Mutex<Option<Process>>; GATEWAYS],
    answered: AtomicUsize,
    passed: AtomicUsize,
    unheard: AtomicUsize,
}

impl Fleet {
    /// Sends until so many requests were answered, to one gateway after the other. At a quarter, a half and three quarters of
    /// the limit a gateway is killed, while others' requests are under way in it, and another is started in its place.
    async fn send(self: Arc<Self>, first: usize, answers: usize) {
        let mut next = first;
        while self.answered.load(Ordering::SeqCst) < answers {
            next = (next + 1) % GATEWAYS;
            let api = self.gateways[next].lock().unwrap().as_ref().map(|gateway| gateway.api.clone());
            let Some(api) = api else {
                tokio::task::yield_now().await;
                continue;
            };
            let Some(answer) = api.try_send(api.request(Method::GET, PATH)).await else {
                self.unheard.fetch_add(1, Ordering::SeqCst);
                continue;
            };
            self.answered.fetch_add(1, Ordering::SeqCst);
            if answer.status == 429 {
                continue;
            }
            assert_eq!(answer.status, 400, "{}", answer.text);
            let passed = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
            if passed.is_multiple_of(LIMIT / 4) && passed < LIMIT {
                self.replace(passed / (LIMIT / 4) - 1);
            }
        }
    }

    fn replace(self: &Arc<Self>, gateway: usize) {
        drop(self.gateways[gateway].lock().unwrap().take());
        let fleet = Arc::clone(self);
        std::thread::spawn(move || {
            let process = (fleet.start)();
            fleet.gateways[gateway].lock().unwrap().replace(process);
        });
    }

    async fn burst(self: &Arc<Self>, answers: usize) {
        let senders = (0..SENDERS).map(|first| tokio::spawn(Arc::clone(self).send(first, answers)));
        for sender in senders.collect::<Vec<_>>() {
            sender.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_are_killed_and_started_again_let_no_more_than_the_limit_pass() {
    let host = Gateway::start().await;
    let (_, key) = host.key(Level::ReadOnly).await;
    host.sql(&format!(r#"UPDATE api_keys SET limits = '{{"read": {LIMIT}}}'"#)).await;
    let (database_url, nats_url) = (host.database_url.clone(), host.nats.url());
    let start = move || Process::start(&database_url, &nats_url, key.expose());
    let fleet = Arc::new(Fleet {
        gateways: [(); GATEWAYS].map(|()| Mutex::new(Some(start()))),
        start: Box::new(start),
        answered: AtomicUsize::new(0),
        passed: AtomicUsize::new(0),
        unheard: AtomicUsize::new(0),
    });

    fleet.burst(5 * LIMIT).await;

    testkit::eventually("all of them run again", || async {
        fleet.gateways.iter().all(|gateway| gateway.lock().unwrap().is_some()).then_some(())
    })
    .await;
    fleet.burst(6 * LIMIT).await;
    let passed = fleet.passed.load(Ordering::SeqCst);
    assert!(passed <= LIMIT, "{passed} of {LIMIT} passed");
    // A killed gateway takes with it what it held and what it had just asked for; one that lives may hold something.
    let missing = GATEWAYS * 2 * HELD + GATEWAYS * HELD + fleet.unheard.load(Ordering::SeqCst);
    assert!(passed + missing >= LIMIT, "only {passed} of {LIMIT} passed");
}
