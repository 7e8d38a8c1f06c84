//! Publishing to streams: in order, many in flight.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::{Bus, Unavailable};

/// Publishes that wait for their acknowledgement; more of them starve consumers.
const IN_FLIGHT_MAX: usize = 256;
/// Acknowledgements of one call that take longer have failed.
const DEADLINE: Duration = Duration::from_secs(10);

/// A message for a stream.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Where to.
    pub subject: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// What it says.
    pub payload: Bytes,
}

impl Bus {
    /// Publishes all of them in order and waits until each is stored.
    ///
    /// # Errors
    /// When any is not, or it is not known: then any part may be stored.
    pub async fn publish_all(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        self.require_connected()?;
        publish_over(&self.jetstream, messages).await
    }
}

/// The same over a connection.
pub(crate) async fn publish_over(jetstream: &Context, messages: &[Outgoing]) -> Result<(), Unavailable> {
    tokio::time::timeout(DEADLINE, pipelined(jetstream, messages))
        .await
        .map_err(|_| Unavailable::new("no acknowledgement in time"))?
}

async fn pipelined(jetstream: &Context, messages: &[Outgoing]) -> Result<(), Unavailable> {
    let mut in_flight = FuturesUnordered::new();
    for message in messages {
        if in_flight.len() >= IN_FLIGHT_MAX
            && let Some(acknowledged) = in_flight.next().await
        {
            acknowledged?;
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &message.headers {
            headers.insert(*name, value.as_str());
        }
        let publish = PublishMessage::build().payload(message.payload.clone()).headers(headers);
        let sent =
            jetstream.send_publish(message.subject.clone(), publish).await.map_err(Unavailable::new)?;
        in_flight.push(async move { sent.await.map(|_| ()).map_err(Unavailable::new) });
    }
    while let Some(acknowledged) = in_flight.next().await {
        acknowledged?;
    }
    Ok(())
}
