//! Answering other services.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::service::{self, NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Service, ServiceExt};
use bytes::Bytes;
use contracts::ErrorCode;
use contracts::v1::Failure;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use platform::telemetry::trace_context;
use prost::Message;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{Bus, Unavailable};

/// Requests that one process works on at once; others wait in the connection.
const CONCURRENT_MAX: usize = 256;
/// Bytes of a reply, below the broker's 1 MiB.
const REPLY_BYTES_MAX: usize = 1000 * 1024;
/// Requests under way have so long to end when the server stops.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

type Handler = Arc<dyn Fn(Bytes) -> BoxFuture<'static, Result<Bytes, Failure>> + Send + Sync>;

/// A service's endpoints before they are offered.
pub struct Server {
    bus: Bus,
    name: &'static str,
    endpoints: Vec<(&'static str, Handler)>,
}

impl Server {
    /// No endpoints yet.
    #[must_use]
    pub fn new(bus: &Bus, name: &'static str) -> Self {
        Self { bus: bus.clone(), name, endpoints: Vec::new() }
    }

    /// Adds an endpoint.
    #[must_use]
    pub fn handle<Req, Resp, F, Fut>(mut self, subject: &'static str, handler: F) -> Self
    where
        Req: Message + Default,
        Resp: Message,
        F: Fn(Req) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Resp, Failure>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |payload: Bytes| {
            let request = match Req::decode(payload) {
                Ok(request) => request,
                Err(error) => {
                    let failure = Failure::because(ErrorCode::InvalidRequest, error.to_string());
                    return futures::future::ready(Err(failure)).boxed();
                }
            };
            handler(request).map(|result| result.map(|response| response.encode_to_vec().into())).boxed()
        });
        self.endpoints.push((subject, handler));
        self
    }

    /// Offers the endpoints. Processes of one name share the requests.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn start(self) -> Result<RunningServer, Unavailable> {
        let service = self
            .bus
            .client
            .service_builder()
            .queue_group(self.name)
            .start(self.name, env!("CARGO_PKG_VERSION"))
            .await
            .map_err(Unavailable::new)?;
        let slots = Arc::new(Semaphore::new(CONCURRENT_MAX));
        let mut listeners = Vec::new();
        for (subject, handler) in self.endpoints {
            let name = subject.rsplit('.').next().unwrap_or(subject);
            let endpoint =
                service.endpoint_builder().name(name).add(subject).await.map_err(Unavailable::new)?;
            let task = listen(self.bus.clone(), subject, endpoint, handler, Arc::clone(&slots));
            listeners.push(tokio::spawn(task));
        }
        // A caller on another connection must not find nobody from here on.
        self.bus.settle().await?;
        Ok(RunningServer { bus: self.bus, service, listeners, slots })
    }
}

/// A server that answers until it is stopped.
pub struct RunningServer {
    bus: Bus,
    service: Service,
    listeners: Vec<JoinHandle<()>>,
    slots: Arc<Semaphore>,
}

impl RunningServer {
    /// Takes no more requests, and waits for those under way, but not for ever.
    pub async fn stop(self) {
        if let Err(error) = self.service.stop().await {
            tracing::debug!(%error, "the service was not taken back");
        }
        for listener in self.listeners {
            listener.abort();
            // It ends with the subscription that it holds.
            listener.await.ok();
        }
        if let Err(error) = self.bus.settle().await {
            tracing::debug!(%error, "the broker did not confirm that the service is gone");
        }
        let all = u32::try_from(CONCURRENT_MAX).unwrap_or(u32::MAX);
        if tokio::time::timeout(DRAIN_DEADLINE, self.slots.acquire_many(all)).await.is_err() {
            tracing::warn!("requests were still under way when the server stopped");
        }
    }
}

async fn listen(
    bus: Bus,
    subject: &'static str,
    mut endpoint: service::endpoint::Endpoint,
    handler: Handler,
    slots: Arc<Semaphore>,
) {
    while let Some(request) = endpoint.next().await {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (bus, handler) = (bus.clone(), Arc::clone(&handler));
        tokio::spawn(async move {
            let span = tracing::info_span!("rpc", subject);
            if let Some(parent) =
                request.message.headers.as_ref().and_then(|headers| headers.get(trace_context::HEADER))
            {
                trace_context::set_parent(&span, parent.as_str());
            }
            answer(&bus, subject, &handler, &request.message).instrument(span).await;
            drop(slot);
        });
    }
}

async fn answer(bus: &Bus, subject: &'static str, handler: &Handler, request: &async_nats::Message) {
    let started = Instant::now();
    let outcome = AssertUnwindSafe(async { handler(request.payload.clone()).await }).catch_unwind().await;
    let result = outcome.unwrap_or_else(|_| {
        tracing::error!(subject, "a request handler panicked");
        Err(Failure::of(ErrorCode::InternalError))
    });
    let result = result.and_then(|reply| {
        if reply.len() <= REPLY_BYTES_MAX {
            return Ok(reply);
        }
        tracing::error!(subject, bytes = reply.len(), "a reply is too large to be sent");
        Err(Failure::because(ErrorCode::InternalError, "the answer is too large"))
    });
    let outcome = if result.is_ok() { "ok" } else { "refused" };
    metrics::histogram!("turnloom_rpc_server_seconds", "subject" => subject, "outcome" => outcome)
        .record(started.elapsed().as_secs_f64());
    let Some(reply_to) = request.reply.clone() else { return };
    let sent = match result {
        Ok(reply) => bus.client.publish(reply_to, reply).await,
        Err(failure) => {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_SERVICE_ERROR, failure.code.as_str());
            headers.insert(NATS_SERVICE_ERROR_CODE, failure.error_code().status().to_string());
            bus.client.publish_with_headers(reply_to, headers, failure.encode_to_vec().into()).await
        }
    };
    if let Err(error) = sent {
        tracing::warn!(subject, %error, "a reply was not sent");
    }
}
