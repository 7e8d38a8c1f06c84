//! The services behind the gateway, as functions that fail the way the API does.

pub(crate) mod catalog;
pub(crate) mod conversations;
mod gather;
pub(crate) mod knowledge;
pub(crate) mod metrics;
pub(crate) mod runner;
pub(crate) mod secrets;

use std::time::Duration;

use bus::Bus;
use bus::rpc::CallError;
use contracts::{ErrorCode, v1};
use prost::Message;

use self::gather::Gather;
use crate::http::error::ApiError;

/// A service that takes longer is too slow.
const DEADLINE: Duration = Duration::from_secs(8);
/// A question that has no answer by then is asked again: who had it may have been stopped or killed.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Calls other services.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    bus: Bus,
    workflows: Gather<v1::Workflow>,
    totals: Gather<v1::WorkflowTotals>,
}

impl Client {
    /// Over this connection.
    pub fn new(bus: Bus) -> Self {
        Self { workflows: catalog::workflows(&bus), totals: runner::totals(&bus), bus }
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
        let answer = self.bus.rpc().call(subject, request, deadline).await;
        answer.map_err(|error| failed(subject, error))
    }

    /// The same for a request that changes nothing: it may be asked twice.
    async fn ask<Req: Message, Resp: Message + Default>(
        &self,
        subject: &'static str,
        request: &Req,
    ) -> Result<Resp, ApiError> {
        ask(&self.bus, subject, request).await.map_err(|error| failed(subject, error))
    }
}

/// Asks twice, if need be.
async fn ask<Req: Message, Resp: Message + Default>(
    bus: &Bus,
    subject: &'static str,
    request: &Req,
) -> Result<Resp, CallError> {
    let rpc = bus.rpc();
    match rpc.call(subject, request, ASK_AGAIN_AFTER).await {
        Err(CallError::TimedOut) => {
            rpc.call(subject, request, DEADLINE.saturating_sub(ASK_AGAIN_AFTER)).await
        }
        answer => answer,
    }
}

fn failed(subject: &'static str, error: CallError) -> ApiError {
    match error {
        CallError::Refused(failure) => ApiError::from(failure),
        CallError::Unavailable(why) => {
            tracing::warn!(subject, why, "a service is away");
            ApiError::because(ErrorCode::ServiceUnavailable, "A service behind the gateway is away")
        }
        CallError::TimedOut => {
            tracing::warn!(subject, "a service is too slow");
            ApiError::because(ErrorCode::Timeout, "A service behind the gateway did not answer in time")
        }
    }
}
