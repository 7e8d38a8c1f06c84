//! The services behind the gateway, as functions that fail the way the API does.

pub(crate) mod catalog;
pub(crate) mod knowledge;
pub(crate) mod metrics;
pub(crate) mod runner;

use std::time::Duration;

use bus::Bus;
use bus::rpc::CallError;
use contracts::ErrorCode;
use prost::Message;

use crate::http::error::ApiError;

/// A service that takes longer is too slow.
const DEADLINE: Duration = Duration::from_secs(8);

/// Calls other services.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    bus: Bus,
}

impl Client {
    /// Over this connection.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    async fn call<Req: Message, Resp: Message + Default>(
        &self,
        subject: &'static str,
        request: &Req,
    ) -> Result<Resp, ApiError> {
        self.call_within(DEADLINE, subject, request).await
    }

    async fn call_within<Req: Message, Resp: Message + Default>(
        &self,
        deadline: Duration,
        subject: &'static str,
        request: &Req,
    ) -> Result<Resp, ApiError> {
        self.bus.rpc().call(subject, request, deadline).await.map_err(|error| match error {
            CallError::Refused(failure) => ApiError::from(failure),
            CallError::Unavailable(why) => {
                tracing::warn!(subject, why, "a service is away");
                ApiError::because(ErrorCode::ServiceUnavailable, "A service behind the gateway is away")
            }
            CallError::TimedOut => {
                tracing::warn!(subject, "a service is too slow");
                ApiError::because(ErrorCode::Timeout, "A service behind the gateway did not answer in time")
            }
        })
    }
}
