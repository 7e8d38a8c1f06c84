//! The API as a client of the bench uses it before and after the load: JSON, one request at a time.

use anyhow::{Context, bail};
use serde_json::Value;

use crate::http::{Connection, Request, Target};

/// Bytes of a refusal that are shown.
const SHOWN_BYTES: usize = 300;

/// A client.
#[derive(Debug)]
pub struct Api {
    connection: Connection,
    request: Request,
}

impl Api {
    /// Not connected yet.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        Self { connection: Connection::to(target.address), request: Request::of(target, None) }
    }

    /// What there is at this path.
    ///
    /// # Errors
    /// When it is not answered with 200.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.request.get(path);
        self.ask(path).await
    }

    /// Sends a document.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn send(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.request.send(method, path, &serde_json::to_vec(body)?);
        self.ask(path).await
    }

    /// Whether this path is answered with 200.
    pub async fn says_200(&mut self, path: &str) -> bool {
        self.request.get(path);
        self.connection.exchange(&self.request).await.is_ok_and(|(status, _)| status == 200)
    }

    async fn ask(&mut self, path: &str) -> anyhow::Result<Value> {
        let asked = self.connection.exchange(&self.request).await;
        let (status, body) = asked.with_context(|| format!("{path} is not answered"))?;
        if !(200..300).contains(&status) {
            let shown = body.get(..SHOWN_BYTES.min(body.len())).unwrap_or_default();
            bail!("{path} is answered with {status}: {}", String::from_utf8_lossy(shown));
        }
        serde_json::from_slice(body).with_context(|| format!("the answer of {path} is no JSON"))
    }

    /// Makes a workflow, active, and gives its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn activate(&mut self, workflow: &Value) -> anyhow::Result<String> {
        let id = self.create(workflow).await?;
        self.send("POST", &format!("/v1/workflows/{id}/activate"), &serde_json::json!({})).await?;
        Ok(id)
    }

    /// Makes a workflow, a draft, and gives its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn create(&mut self, workflow: &Value) -> anyhow::Result<String> {
        let created = self.send("POST", "/v1/workflows", workflow).await?;
        Ok(text(&created, "/data/id")?.to_owned())
    }

    /// How many executions a workflow has; `more` is added to the query.
    ///
    /// # Errors
    /// When it is not told.
    pub async fn total(&mut self, workflow: &str, more: &str) -> anyhow::Result<u64> {
        let listed = self.get(&format!("/v1/workflows/{workflow}/executions?limit=1{more}")).await?;
        number(&listed, "/pagination/total")
    }
}

/// A text of an answer.
///
/// # Errors
/// When it is not there.
pub fn text<'a>(answer: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("an answer has no {pointer}: {answer}"))
}

/// A count of an answer.
///
/// # Errors
/// When it is not there.
pub fn number(answer: &Value, pointer: &str) -> anyhow::Result<u64> {
    let found = answer.pointer(pointer).and_then(Value::as_u64);
    found.with_context(|| format!("an answer has no {pointer}: {answer}"))
}
