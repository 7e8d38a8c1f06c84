//! A language model: any endpoint that speaks the chat protocol of OpenAI.
//!
//! The operator says where it is, so nothing guards the address. What the model says is bounded in bytes while it is read,
//! and what it does not say properly is a failure with a code of its own.

mod config;
mod failure;
mod protocol;
mod stream;

use std::fmt;
use std::time::Duration;

use platform::clock;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use config::{ModelConfig, ModelConfigError};
pub use failure::{ModelCode, ModelFailure};

use crate::answer::{self, Unread};
use crate::client;
use crate::retry::Retry;

/// Bytes of an answer at most. A stream has some 250 bytes for each token.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Bytes of what the model says at most.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// Prices are for so many tokens.
const TOKENS_PER_PRICE: f64 = 1_000_000.0;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Us: what the model is to do.
    System,
    /// The customer.
    User,
    /// The model, earlier.
    Assistant,
}

/// One message of a conversation with the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What.
    pub content: String,
}

/// What the model says, and what that costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Never empty, without blanks around it.
    pub text: String,
    /// Tokens that were read; 0 when the model does not tell.
    pub input_tokens: u64,
    /// Tokens that were said; 0 when the model does not tell.
    pub output_tokens: u64,
    /// By the prices of the settings, in their currency.
    pub cost: f64,
}

/// A chat model. Clones share the connections. It does not show its key.
#[derive(Clone)]
pub struct ChatModel {
    client: reqwest::Client,
    url: Url,
    name: String,
    key: Option<SecretString>,
    input_price: f64,
    output_price: f64,
    timeout: Duration,
}

impl fmt::Debug for ChatModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatModel").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ChatModel {
    /// The model of the settings, none when they name none.
    ///
    /// # Errors
    /// See [`ModelConfigError`].
    pub fn new(config: &ModelConfig) -> Result<Option<Self>, ModelConfigError> {
        let Some(endpoint) = config.endpoint()? else { return Ok(None) };
        let client = client().build().map_err(crate::NoClient)?;
        Ok(Some(Self {
            client,
            url: endpoint.url,
            name: endpoint.model,
            key: config.llm_key.clone(),
            input_price: config.llm_input_price,
            output_price: config.llm_output_price,
            timeout: Duration::from_millis(config.llm_timeout_ms),
        }))
    }

    /// The model's name, as the endpoint knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks once, until the deadline or as long as the settings allow. An answer that needs more than `tokens_max` tokens is
    /// a failure ([`ModelCode::Endless`]).
    ///
    /// # Errors
    /// See [`ModelCode`].
    pub async fn complete(
        &self,
        messages: &[ChatMessage],
        tokens_max: u32,
        deadline: Instant,
    ) -> Result<Completion, ModelFailure> {
        let question =
            protocol::Question { model: &self.name, messages, max_tokens: tokens_max, stream: false };
        match timeout_at(deadline.min(Instant::now() + self.timeout), self.ask(&question)).await {
            Ok(answered) => self.completion(&answered?),
            Err(_) => Err(ModelFailure::of(ModelCode::TimedOut)),
        }
    }

    async fn ask(&self, question: &protocol::Question<'_>) -> Result<protocol::Answer, ModelFailure> {
        let mut request = self.client.post(self.url.clone()).json(question);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(|_| ModelFailure::of(ModelCode::Unavailable))?;
        if !response.status().is_success() {
            return Err(refusal(&response));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let streams = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream"));
        let bytes = answer::read(response, ANSWER_BYTES_MAX).await.map_err(|error| match error {
            Unread::TooLong => ModelFailure::of(ModelCode::Endless),
            Unread::Cut(_) => ModelFailure::of(ModelCode::Unavailable),
        })?;
        answered(&bytes, streams)
    }

    fn completion(&self, answer: &protocol::Answer) -> Result<Completion, ModelFailure> {
        let price =
            cost(answer.input_tokens, self.input_price) + cost(answer.output_tokens, self.output_price);
        Ok(Completion { cost: price, ..completed(answer)? })
    }
}

impl Completion {
    /// Reads what an endpoint has answered, whole or as a stream of events. What it costs is left out.
    ///
    /// # Errors
    /// When it is not the protocol, or says that there is no answer.
    pub fn read(bytes: &[u8], streamed: bool) -> Result<Self, ModelFailure> {
        completed(&answered(bytes, streamed)?)
    }
}

fn answered(bytes: &[u8], streamed: bool) -> Result<protocol::Answer, ModelFailure> {
    if streamed { stream::answer(bytes) } else { protocol::answer(bytes) }
}

fn completed(answer: &protocol::Answer) -> Result<Completion, ModelFailure> {
    match answer.finish_reason.as_deref() {
        Some("length") => return Err(ModelFailure::of(ModelCode::Endless)),
        Some("content_filter") => return Err(ModelFailure::of(ModelCode::Refused)),
        Some(_) | None => {}
    }
    if answer.refused {
        return Err(ModelFailure::of(ModelCode::Refused));
    }
    let text = answer.text.trim();
    if text.is_empty() {
        return Err(ModelFailure::of(ModelCode::Empty));
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(ModelFailure::of(ModelCode::Endless));
    }
    Ok(Completion {
        text: text.to_owned(),
        input_tokens: answer.input_tokens,
        output_tokens: answer.output_tokens,
        cost: 0.0,
    })
}

/// Tokens are far fewer than an `f64` counts exactly.
#[expect(clippy::cast_precision_loss, reason = "2^53 tokens are never said")]
fn cost(tokens: u64, price: f64) -> f64 {
    tokens as f64 * price / TOKENS_PER_PRICE
}

/// An answer that is not a success. Its body is not told: some endpoints repeat the key in it.
fn refusal(response: &Response) -> ModelFailure {
    let status = response.status();
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => ModelCode::RateLimited,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => ModelCode::TimedOut,
        status if status.is_server_error() || status == StatusCode::TOO_EARLY => ModelCode::Unavailable,
        _ => ModelCode::Refused,
    };
    let retry = Retry::of(status, response.headers(), clock::now());
    let message = format!("{}: it answers {status}", code.message());
    ModelFailure { code, message, retry }
}
