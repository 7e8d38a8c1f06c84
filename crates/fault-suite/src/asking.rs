//! Questions to the API, asked all the time beside a load: lists, single workflows, executions, metrics.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use testkit::Api;
use tokio::task::JoinHandle;

use crate::load::script::Kind;
use crate::scene::Scene;

/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// What the answers were.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Answers 200.
    pub ok: usize,
    /// Other answers.
    pub wrong: Vec<String>,
}

/// Questions under way. They end with this value.
pub struct Asking {
    answers: Arc<Mutex<Answers>>,
    asking: JoinHandle<()>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

impl Asking {
    /// Begins to ask both gateways in turn.
    pub fn start(scene: &Scene) -> Self {
        let answers = Arc::new(Mutex::new(Answers::default()));
        let asking =
            tokio::spawn(ask(scene.fleet.gateways.clone(), scene.workflows.clone(), Arc::clone(&answers)));
        Self { answers, asking }
    }

    /// What the answers were so far.
    pub fn answers(&self) -> Answers {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ask(gateways: [Api; 2], workflows: Vec<(Kind, String)>, answers: Arc<Mutex<Answers>>) {
    let mut paths = vec!["/v1/workflows".to_owned(), "/v1/runners".to_owned()];
    for (_, id) in workflows {
        paths.extend(["", "/executions", "/metrics"].map(|of| format!("/v1/workflows/{id}{of}")));
    }
    for (gateway, path) in gateways.iter().cycle().zip(paths.iter().cycle()) {
        tokio::time::sleep(PAUSE).await;
        // What cannot be sent, or loses its connection, has no answer.
        let Some(answer) = gateway.try_send(gateway.request(Method::GET, path)).await else { continue };
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.status == 200 {
            answers.ok += 1;
        } else {
            answers.wrong.push(format!("{} to {path}: {}", answer.status, answer.text));
        }
    }
}
