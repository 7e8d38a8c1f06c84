//! The API as a test calls it.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// A request that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(45);

/// A client with a key.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body; `null` when that is not JSON.
    pub body: Value,
    /// The same as it came.
    pub text: String,
}

impl Answer {
    /// The body of an answer that must have this status.
    ///
    /// # Panics
    /// When it has another one.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// A header's text, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Api {
    /// A client of the API at this address, such as `http://127.0.0.1:8080`.
    ///
    /// # Panics
    /// When no client can be made.
    pub fn new(base: impl Into<String>, key: impl Into<String>) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { http, base: base.into(), key: key.into() }
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self.clone() }
    }

    /// A request to be completed by the test.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// Sends a request; none when the connection fails.
    pub async fn try_send(&self, request: RequestBuilder) -> Option<Answer> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.ok()?;
        Some(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        match self.try_send(request).await {
            Some(answer) => answer,
            None => panic!("the gateway at {} does not answer", self.base),
        }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Creates a workflow and gives its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create(&self, workflow: &Value) -> String {
        let created = self.post("/v1/workflows", workflow).await.expect(StatusCode::CREATED.as_u16());
        created.pointer("/data/id").and_then(Value::as_str).unwrap().to_owned()
    }

    /// Activates a workflow.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn activate(&self, id: &str) {
        self.post(&format!("/v1/workflows/{id}/activate"), &json!({})).await.expect(200);
    }

    /// Creates and activates a workflow and gives its id.
    pub async fn run(&self, workflow: &Value) -> String {
        let id = self.create(workflow).await;
        self.activate(&id).await;
        id
    }

    /// Sends a message over `web` and waits for what became of it: the answer's `data`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn say(&self, customer: &str, text: &str) -> Value {
        let body = json!({"customer_id": customer, "channel": "web", "message": text});
        let request = self.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
        self.send(request).await.expect(200).pointer("/data").cloned().unwrap()
    }
}
