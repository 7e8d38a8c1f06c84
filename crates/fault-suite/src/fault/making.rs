//! Workflows that are made all the time beside a load.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::RETRY_AFTER;
use testkit::{Answer, Api, workflows};
use tokio::task::JoinHandle;

use crate::scene::Scene;

/// Pause before the next one.
const PAUSE: Duration = Duration::from_millis(100);

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// Those that were made.
    pub ids: Vec<String>,
    /// How many were refused for now.
    pub refused: usize,
    /// Answers that must not be.
    pub wrong: Vec<String>,
}

/// Workflows under way.
pub(super) struct Making {
    made: Arc<Mutex<Made>>,
    making: JoinHandle<()>,
}

impl Making {
    /// Begins.
    pub fn start(scene: &Scene) -> Self {
        let made = Arc::new(Mutex::new(Made::default()));
        let making = tokio::spawn(make(scene.fleet.gateways[0].clone(), Arc::clone(&made)));
        Self { made, making }
    }

    /// Ends, and says what came of it.
    pub fn stop(self) -> Made {
        self.making.abort();
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn make(api: Api, made: Arc<Mutex<Made>>) {
    for n in 0.. {
        let workflow = workflows::greet(&format!("Made {n}"), &format!("made{n}"));
        let request = api.request(Method::POST, "/v1/workflows").json(&workflow);
        let answer = api.try_send(request).await;
        note(&mut made.lock().unwrap_or_else(PoisonError::into_inner), answer);
        tokio::time::sleep(PAUSE).await;
    }
}

fn note(made: &mut Made, answer: Option<Answer>) {
    match answer {
        Some(answer) if answer.status == 201 => {
            made.ids.extend(answer.body.pointer("/data/id").and_then(|id| id.as_str()).map(str::to_owned));
        }
        Some(answer) if matches!(answer.status, 503 | 504) && answer.headers.contains_key(RETRY_AFTER) => {
            made.refused += 1;
        }
        Some(answer) => made.wrong.push(format!("{}: {}", answer.status, answer.text)),
        None => made.wrong.push("a workflow to be made has no answer".to_owned()),
    }
}
