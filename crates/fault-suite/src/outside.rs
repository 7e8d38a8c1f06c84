//! Systems that are not ours, served by the suite itself: one that workflows call, and a language model. Both take their time,
//! and remember what they were asked.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::{FakeModel, FakeServer, Reply, Request, Says};

use crate::failure::Failure;
use crate::load::flows::{self, DOCUMENT, KNOWLEDGE_BASE};
use crate::load::script::Kind;
use crate::load::{Said, Spoken};
use crate::row::Row;
use crate::scene::Scene;

/// The header that is the same whenever a request is repeated.
const KEY: &str = "idempotency-key";

/// Both systems. They go away with this value.
pub struct Outside {
    target: FakeServer,
    model: FakeModel,
}

impl Outside {
    /// Starts them. An answer takes so many milliseconds, the same for the same question and seed.
    pub fn start(seed: u64, takes_ms: RangeInclusive<u64>) -> Self {
        let (least, most) = takes_ms.into_inner();
        let takes = move |question: &str| {
            let mut hasher = DefaultHasher::new();
            (seed, question).hash(&mut hasher);
            Duration::from_millis(least + hasher.finish() % (most - least + 1))
        };
        let target = FakeServer::start(move |request| {
            let text = text_of(request);
            Reply::json(200, &json!({"state": text})).after(takes(text))
        });
        let model = FakeModel::saying(move |request| {
            let question = question_of(request).unwrap_or_default();
            let answer = json!({"text": format!("Answer to {question}"), "sources": [1], "confidence": 1});
            Says::text(answer.to_string()).after(takes(&question))
        });
        Self { target, model }
    }

    /// What runners must be told so that they reach them.
    pub fn runner_flags(&self) -> Vec<String> {
        let url = self.model.base_url();
        let flags = ["--outbound-allow", "127.0.0.0/8", "--llm-url", &url, "--llm-model", "fake"];
        flags.map(str::to_owned).into()
    }

    /// Makes the knowledge base that the model answers from, and the workflows of those who wait.
    ///
    /// # Errors
    /// When something is refused.
    pub async fn set_up(&self, scene: &mut Scene) -> Result<(), Failure> {
        let api = scene.fleet.gateways[0].clone();
        let made = |request: RequestBuilder| {
            let api = &api;
            async move {
                let answer = api.try_send(request).await;
                let answer = answer.ok_or_else(|| Failure::broken("the knowledge base has no answer"))?;
                if answer.status == 201 {
                    return Ok(());
                }
                Err(Failure::broken(format!("the knowledge base is refused: {}", answer.text)))
            }
        };
        let base = json!({"name": KNOWLEDGE_BASE});
        made(api.request(Method::POST, "/v1/knowledge-bases").json(&base)).await?;
        let path = format!("/v1/knowledge-bases/{KNOWLEDGE_BASE}/documents/faq");
        let document = api.request(Method::PUT, &path).header("content-type", "text/markdown");
        made(document.body(DOCUMENT)).await?;
        for (kind, workflow) in flows::waiting(&self.target.url()) {
            scene.run(kind, &workflow).await?;
        }
        Ok(())
    }

    /// Compares what they were asked with what was said. A request may come more than once, and always with the same key, which
    /// no other has; nobody is asked what nobody wanted to know.
    pub fn compare(&self, row: &mut Row, said: &Said) {
        let wanted = said_to(said, &[Kind::Order, Kind::Remind]);
        let mut keys: HashMap<String, HashSet<String>> = HashMap::new();
        let requests = self.target.requests();
        for request in &requests {
            let text = text_of(request);
            row.must(wanted.contains(text), || format!("I5: another system was asked '{text}'"));
            match request.headers.get(KEY).filter(|key| !key.is_empty()) {
                Some(key) => {
                    keys.entry(text.to_owned()).or_default().insert(key.clone());
                }
                None => row.problem(format!("I3: the request '{text}' has no {KEY}")),
            }
        }
        for (text, keys) in keys.iter().filter(|(_, keys)| keys.len() > 1) {
            row.problem(format!("I3: the request '{text}' came with {} keys", keys.len()));
        }
        let distinct: HashSet<&String> = keys.values().flatten().collect();
        row.must(distinct.len() >= keys.len(), || {
            format!("I3: {} requests share {} keys", keys.len(), distinct.len())
        });
        let again = requests.len().saturating_sub(keys.len());
        row.note(format!("{} requests outside, {again} repeated", keys.len()));
        let asked: Vec<String> =
            self.model.requests().iter().filter_map(|asked| question_of(&asked.body)).collect();
        let questions: HashSet<&String> = asked.iter().collect();
        let wanted = said_to(said, &[Kind::Ask]);
        for question in questions.iter().filter(|question| !wanted.contains(**question)) {
            row.problem(format!("I5: the model was asked '{question}'"));
        }
        let again = asked.len() - questions.len();
        row.note(format!("{} questions to the model, {again} repeated", questions.len()));
    }
}

/// All that was said to workflows of these kinds.
fn said_to(said: &Said, kinds: &[Kind]) -> HashSet<String> {
    let of_kinds = said.spoken.iter().filter(|spoken| kinds.contains(&spoken.script.kind));
    let texts = |spoken: &Spoken| {
        let script = spoken.script;
        (0..spoken.turns).map(move |n| script.turn(n).says)
    };
    of_kinds.flat_map(texts).collect()
}

fn text_of(request: &Request) -> &str {
    request.body.get("text").and_then(Value::as_str).unwrap_or_default()
}

/// The customer's question in what the model is sent.
fn question_of(request: &Value) -> Option<String> {
    let content = request.get("messages")?.as_array()?.last()?.get("content")?.as_str()?;
    let document: Value = serde_json::from_str(content).ok()?;
    document.get("question")?.as_str().map(str::to_owned)
}
