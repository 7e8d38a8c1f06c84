//! Those who behave: one request after the other at an even pace, and how long each took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fault_suite::failure::Failure;
use reqwest::Method;
use testkit::Api;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Time between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// What came of the requests.
#[derive(Debug, Clone, Default)]
pub struct Paced {
    took: Vec<Duration>,
    /// Answers that are not 200, and requests without one.
    pub failed: Vec<String>,
}

impl Paced {
    /// Requests that were answered as they should.
    pub fn answered(&self) -> usize {
        self.took.len()
    }

    /// The time below which 99 of 100 requests took.
    pub fn p99(&self) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * 99).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }
}

/// Requests under way. They end with this value.
#[derive(Debug)]
pub struct Pace {
    seen: Arc<Mutex<Paced>>,
    asking: JoinHandle<()>,
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

impl Pace {
    /// Begins to read this path.
    pub fn start(api: &Api, path: &str) -> Self {
        let seen = Arc::new(Mutex::new(Paced::default()));
        let asking = tokio::spawn(ask(api.clone(), path.to_owned(), Arc::clone(&seen)));
        Self { seen, asking }
    }

    /// What came of them so far; they go on.
    pub fn so_far(&self) -> Paced {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests that were answered meanwhile, for so long; gives them alone.
    ///
    /// # Errors
    /// When none was.
    pub async fn during(api: &Api, path: &str, time: Duration) -> Result<Paced, Failure> {
        let pace = Self::start(api, path);
        tokio::time::sleep(time).await;
        let paced = pace.so_far();
        if paced.took.is_empty() {
            return Err(Failure::broken(format!("{path} is not answered: {:?}", paced.failed.first())));
        }
        Ok(paced)
    }
}

async fn ask(api: Api, path: String, seen: Arc<Mutex<Paced>>) {
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let begun = Instant::now();
        let answer = api.try_send(api.request(Method::GET, &path)).await;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Some(answer) if answer.status == 200 => seen.took.push(begun.elapsed()),
            Some(answer) => seen.failed.push(format!("{}: {}", answer.status, answer.text)),
            None => seen.failed.push("no answer".to_owned()),
        }
    }
}
