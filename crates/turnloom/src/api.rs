//! The API, as the command line calls it.

use std::time::Duration;

use anyhow::Context;
use reqwest::header::{ETAG, HeaderMap, IF_MATCH};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// A request that takes longer has failed; above the 30 s that a message may wait for its execution.
const DEADLINE: Duration = Duration::from_secs(45);

/// A client with a key.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// The API did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// It said no, and why.
    #[error("{}", told(.0))]
    Refused(Value),
    /// It cannot be reached, or it is temporarily unavailable.
    #[error("the API cannot be reached: {0}")]
    Unreachable(String),
}

/// The error envelope for people: the code, what exactly, and every problem of a document.
fn told(envelope: &Value) -> String {
    let error = envelope.get("error").unwrap_or(envelope);
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let at = |field: &str| if field.is_empty() { String::new() } else { format!(" ({field})") };
    let first = format!("{}: {}{}", text("code"), text("details"), at(text("field")));
    let others = error.get("errors").and_then(Value::as_array).into_iter().flatten().skip(1).map(|problem| {
        let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("\n       {}: {}{}", text("code"), text("message"), at(text("field")))
    });
    std::iter::once(first).chain(others).collect()
}

impl ApiError {
    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(envelope) => envelope.pointer("/error/code")?.as_str(),
            Self::Unreachable(_) => None,
        }
    }
}

impl Api {
    /// A client of the API at this address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let http =
            reqwest::Client::builder().timeout(DEADLINE).build().context("no HTTP client can be made")?;
        Ok(Self { http, base: base(url).to_owned(), key: key.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// `GET`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, ApiError> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `GET`, and the version of what it gave: its `ETag`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn get_version(&self, path: &str) -> Result<(Value, String), ApiError> {
        let (headers, body) = self.receive(self.request(Method::GET, path)).await?;
        let version = headers.get(ETAG).and_then(|version| version.to_str().ok());
        Ok((body, version.unwrap_or_default().to_owned()))
    }

    /// `PUT` with a JSON body in place of this version; of another one it changes nothing.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn put(&self, path: &str, body: &Value, version: &str) -> Result<Value, ApiError> {
        self.send(self.request(Method::PUT, path).header(IF_MATCH, version).json(body)).await
    }

    /// `PUT` of a document as it is.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn put_document(
        &self,
        path: &str,
        content_type: &'static str,
        document: &'static str,
    ) -> Result<Value, ApiError> {
        self.send(self.request(Method::PUT, path).header("content-type", content_type).body(document)).await
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Sends a customer's message and waits for what became of it: the answer's `data`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn say(&self, message: &Value) -> Result<Value, ApiError> {
        let request = self.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(message);
        let answer = self.send(request).await?;
        Ok(answer.get("data").cloned().unwrap_or(Value::Null))
    }

    /// The time that the API's answers carry (RFC 9110 §6.6.1).
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn date(&self) -> Result<String, ApiError> {
        let response = self
            .request(Method::GET, "/v1/openapi.json")
            .send()
            .await
            .map_err(|error| unreachable(&error))?;
        let date = response.headers().get("date").and_then(|value| value.to_str().ok());
        Ok(date.unwrap_or_default().to_owned())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, ApiError> {
        self.receive(request).await.map(|(_, body)| body)
    }

    async fn receive(&self, request: RequestBuilder) -> Result<(HeaderMap, Value), ApiError> {
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(|error| unreachable(&error))?;
        let body: Value = serde_json::from_str(&text)
            .map_err(|_| ApiError::Unreachable(format!("it answers {status}, and not with JSON")))?;
        if status.is_success() {
            Ok((headers, body))
        } else if [502, 503, 504].contains(&status.as_u16()) {
            Err(ApiError::Unreachable(told(&body)))
        } else {
            Err(ApiError::Refused(body))
        }
    }
}

/// An address of the API without what people may write at its end.
pub(crate) fn base(url: &str) -> &str {
    url.trim_end_matches('/').trim_end_matches("/v1")
}

/// The last cause tells most.
fn unreachable(error: &reqwest::Error) -> ApiError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    ApiError::Unreachable(cause.to_string())
}
