//! Asking another service.

use std::time::Duration;

use async_nats::client::{RequestError, RequestErrorKind};
use async_nats::service::NATS_SERVICE_ERROR;
use async_nats::{HeaderMap, Request};
use bytes::Bytes;
use contracts::v1::Failure;
use platform::telemetry::trace_context;
use prost::Message;
use tokio::time::Instant;

use crate::Bus;

/// A service that is restarted is away for less: for so long it is asked again while nobody listens. After that everybody is
/// told at once that it is away, until it is back.
const RESTART: Duration = Duration::from_secs(3);
/// Pause before it is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// A call gave no answer of the wanted kind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The service says no, and why.
    #[error("refused: {}", .0.code)]
    Refused(Failure),
    /// Nobody answers, or the connection is down. Nothing was done.
    #[error("nobody answers: {0}")]
    Unavailable(String),
    /// No answer in time, or none that can be read. It may have been done.
    #[error("no answer in time")]
    TimedOut,
}

/// Calls services.
#[derive(Debug, Clone)]
pub struct Client {
    bus: Bus,
    /// For so long it is asked again while nobody listens.
    patience: Duration,
}

impl Bus {
    /// A client of other services.
    #[must_use]
    pub fn rpc(&self) -> Client {
        Client { bus: self.clone(), patience: RESTART }
    }
}

impl Client {
    /// The same for one who asks again by himself: while nobody listens he is told so at once.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { patience: Duration::ZERO, ..self }
    }

    /// Sends a request and waits for the reply. While nobody listens, which proves that nothing was done, it is sent again
    /// for a little while, so that callers do not notice the restart of a service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<Req: Message, Resp: Message + Default>(
        &self,
        subject: &'static str,
        request: &Req,
        deadline: Duration,
    ) -> Result<Resp, CallError> {
        let started = Instant::now();
        let result = self.send(subject, request, deadline).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(CallError::Refused(_)) => "refused",
            Err(CallError::Unavailable(_)) => "unavailable",
            Err(CallError::TimedOut) => "timed_out",
        };
        metrics::histogram!("turnloom_rpc_client_seconds", "subject" => subject, "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        result
    }

    async fn send<Req: Message, Resp: Message + Default>(
        &self,
        subject: &'static str,
        request: &Req,
        deadline: Duration,
    ) -> Result<Resp, CallError> {
        self.bus.require_connected().map_err(|error| CallError::Unavailable(error.to_string()))?;
        let payload = request.encode_to_vec().into();
        let reply = self.ask(subject, payload, deadline).await.map_err(|error| match error.kind() {
            RequestErrorKind::TimedOut => CallError::TimedOut,
            // It never left.
            RequestErrorKind::NoResponders
            | RequestErrorKind::InvalidSubject
            | RequestErrorKind::MaxPayloadExceeded => CallError::Unavailable(error.to_string()),
            RequestErrorKind::Other => unheard(subject, &error),
        })?;
        if reply.headers.as_ref().is_some_and(|headers| headers.get(NATS_SERVICE_ERROR).is_some()) {
            let failure = Failure::decode(reply.payload);
            return Err(CallError::Refused(failure.unwrap_or_default()));
        }
        Resp::decode(reply.payload).map_err(|error| unheard(subject, &error))
    }

    async fn ask(
        &self,
        subject: &'static str,
        payload: Bytes,
        deadline: Duration,
    ) -> Result<async_nats::Message, RequestError> {
        let mut headers = HeaderMap::new();
        let traceparent = trace_context::current_traceparent();
        if !traceparent.is_empty() {
            headers.insert(trace_context::HEADER, traceparent);
        }
        loop {
            let request =
                Request::new().payload(payload.clone()).headers(headers.clone()).timeout(Some(deadline));
            let answer = self.bus.client.send_request(subject, request).await;
            match &answer {
                Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                    if self.bus.absences.since(subject).elapsed() >= self.patience.min(deadline) {
                        return answer;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
                Ok(_) | Err(_) => {
                    self.bus.absences.end(subject);
                    return answer;
                }
            }
        }
    }
}

/// It was sent, and may have been done; what came of it cannot be known.
fn unheard(subject: &'static str, error: &impl std::fmt::Display) -> CallError {
    tracing::warn!(subject, %error, "an answer is lost or cannot be read");
    CallError::TimedOut
}
