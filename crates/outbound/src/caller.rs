//! What a workflow asks of another system over HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use platform::clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::answer::{self, Unread};
use crate::config::OutboundConfig;
use crate::failure::{CallCode, CallFailure};
use crate::guard::{Blocked, Guard, Refused};
use crate::headers;
use crate::retry::Retry;
use crate::{NoClient, client};

/// An attempt takes no longer, whatever a workflow asks for.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer at most.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The methods that a workflow can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// A call, with its templates and secrets filled in. It does not show itself but for its method: the rest may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Names and values, at most 50.
    pub headers: BTreeMap<String, String>,
    /// A text is sent as it is, everything else as JSON.
    pub body: Option<Value>,
    /// How long an attempt may take; never more than 10 s.
    pub timeout: Duration,
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCall").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An answer with a status below 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Its status.
    pub status: u16,
    /// JSON as what it is, another text as a text, nothing as null.
    pub body: Value,
}

/// Calls other systems. Clones share the connections.
#[derive(Debug, Clone)]
pub struct HttpCaller {
    guard: Guard,
    client: reqwest::Client,
}

impl HttpCaller {
    /// With these settings.
    ///
    /// # Errors
    /// When the certificates of this system cannot be read.
    pub fn new(config: &OutboundConfig) -> Result<Self, NoClient> {
        let guard = Guard::new(config);
        let client = client().dns_resolver(Arc::new(guard.clone())).build().map_err(NoClient)?;
        Ok(Self { guard, client })
    }

    /// Makes one attempt. `idempotency_key` is sent along, so it must be the same for each attempt of one call: visible
    /// ASCII.
    ///
    /// # Errors
    /// See [`CallFailure`]; a status of 400 or above is one.
    pub async fn call(
        &self,
        call: &HttpCall,
        idempotency_key: &str,
        deadline: Instant,
    ) -> Result<HttpAnswer, CallFailure> {
        let url = self.guard.check(&call.url).map_err(refused)?;
        let headers = headers::headers(&call.headers, idempotency_key, call.body.as_ref())
            .map_err(|error| CallFailure::new(CallCode::BadHeader, error.to_string(), Retry::Never))?;
        let ends = end_of_attempt(Instant::now(), call.timeout, deadline);
        let host = url.host_str().unwrap_or_default().to_owned();
        timeout_at(ends, self.attempt(call, url, headers, &host)).await.unwrap_or_else(|_| {
            let message = format!("{host} did not answer in time");
            Err(CallFailure::new(CallCode::TimedOut, message, Retry::Any))
        })
    }

    async fn attempt(
        &self,
        call: &HttpCall,
        url: Url,
        headers: HeaderMap,
        host: &str,
    ) -> Result<HttpAnswer, CallFailure> {
        let mut request = self.client.request(call.method.into(), url).headers(headers);
        if let Some(body) = &call.body {
            request = request.body(match body {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
        }
        let response = request.send().await.map_err(|error| unsent(&error, host))?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(bad_status(status, response.headers(), host));
        }
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            let message = format!("{host} answers with a redirect ({status}), which is not followed");
            let status = Some(status.as_u16());
            return Err(CallFailure {
                status,
                ..CallFailure::new(CallCode::Redirected, message, Retry::Never)
            });
        }
        read(response, host).await
    }
}

fn end_of_attempt(begin: Instant, timeout: Duration, deadline: Instant) -> Instant {
    deadline.min(begin + timeout.min(ATTEMPT_MAX))
}

async fn read(response: Response, host: &str) -> Result<HttpAnswer, CallFailure> {
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let may_be_json = kind.is_none_or(is_json);
    let bytes = answer::read(response, ANSWER_BYTES_MAX).await.map_err(|error| match error {
        Unread::TooLong => {
            let message = format!("The answer of {host} is longer than {ANSWER_BYTES_MAX} bytes");
            CallFailure {
                status: Some(status),
                ..CallFailure::new(CallCode::AnswerTooLarge, message, Retry::Never)
            }
        }
        Unread::Cut(_) => {
            let message = format!("The connection to {host} was lost before the end of the answer");
            CallFailure {
                status: Some(status),
                ..CallFailure::new(CallCode::Unreachable, message, Retry::Any)
            }
        }
    })?;
    Ok(HttpAnswer { status, body: body_of(&bytes, may_be_json) })
}

/// What is not what its type says is a text.
fn body_of(bytes: &[u8], may_be_json: bool) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    let json = may_be_json.then(|| serde_json::from_slice(bytes).ok()).flatten();
    json.unwrap_or_else(|| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// `application/json`, and what is written in JSON (RFC 6839 §3.1).
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

fn refused(why: Refused) -> CallFailure {
    let code = match why {
        Refused::Blocked(_) => CallCode::Blocked,
        Refused::Unreadable | Refused::TooLong | Refused::OtherScheme | Refused::Credentials => {
            CallCode::BadUrl
        }
    };
    CallFailure::new(code, why.to_string(), Retry::Never)
}

/// The client's own words hold the URL, so they are not told.
fn unsent(error: &reqwest::Error, host: &str) -> CallFailure {
    if answer::is_caused_by::<Blocked>(error) {
        return refused(Blocked.into());
    }
    if error.is_builder() {
        return CallFailure::new(CallCode::BadUrl, "The URL cannot be called", Retry::Never);
    }
    let message = if error.is_connect() {
        format!("{host} cannot be reached")
    } else {
        format!("The connection to {host} was lost before an answer came")
    };
    CallFailure::new(CallCode::Unreachable, message, Retry::Any)
}

fn bad_status(status: StatusCode, headers: &HeaderMap, host: &str) -> CallFailure {
    let retry = Retry::of(status, headers, clock::now());
    let message = format!("{host} answers {status}");
    CallFailure { status: Some(status.as_u16()), ..CallFailure::new(CallCode::Status, message, retry) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_json_when_it_says_so_and_a_text_otherwise() {
        for (kind, is) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/plain", false),
            ("text/html; charset=utf-8", false),
        ] {
            assert_eq!(is_json(kind), is, "{kind}");
        }
        assert_eq!(body_of(b"", true), Value::Null);
        assert_eq!(body_of(b"{\"a\": [1]}", true), json!({"a": [1]}));
        assert_eq!(body_of(b"{\"a\":", true), json!("{\"a\":"));
        assert_eq!(body_of(b"42", false), json!("42"));
        assert_eq!(body_of(b"\xff", true), json!("\u{fffd}"));
        let deep = "[".repeat(100_000);
        assert_eq!(body_of(deep.as_bytes(), true), json!(deep));
    }

    #[test]
    fn an_attempt_ends_with_what_comes_first() {
        let begin = Instant::now();
        let seconds = Duration::from_secs;
        for (timeout, deadline, end) in [(3, 60, 3), (60, 60, 10), (60, 5, 5), (0, 60, 0)] {
            let ends = end_of_attempt(begin, seconds(timeout), begin + seconds(deadline));
            assert_eq!(ends, begin + seconds(end));
        }
    }

    #[test]
    fn a_call_does_not_show_what_it_carries() {
        let call = HttpCall {
            method: Method::Post,
            url: "https://example.com/secret-1".to_owned(),
            headers: BTreeMap::from([("authorization".to_owned(), "secret-2".to_owned())]),
            body: Some(json!("secret-3")),
            timeout: ATTEMPT_MAX,
        };
        assert!(!format!("{call:?}").contains("secret"));
    }
}
