//! Publishing to streams: in order, many in flight.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

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

/// Waits until messages that were sent are stored; it gives up ten seconds after they were.
///
/// # Errors
/// When any is not, or it is not known: then any part may be stored.
pub type Storing = BoxFuture<'static, Result<(), Unavailable>>;

impl Bus {
    /// Publishes all of them in order and waits until each is stored.
    ///
    /// # Errors
    /// When any is not, or it is not known: then any part may be stored.
    pub async fn publish_all(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        self.require_connected()?;
        send_over(&self.jetstream, messages).await?.await
    }
}

/// Sends messages in order over a connection. With many of them it waits for the acknowledgements of the first.
pub(crate) async fn send_over(jetstream: &Context, messages: &[Outgoing]) -> Result<Storing, Unavailable> {
    let deadline = Instant::now() + DEADLINE;
    let mut in_flight = FuturesUnordered::new();
    let sending = async {
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
        Ok::<_, Unavailable>(())
    };
    timeout_at(deadline, sending).await.map_err(|_| too_late())??;
    let storing = async move {
        while let Some(acknowledged) = in_flight.next().await {
            acknowledged?;
        }
        Ok(())
    };
    Ok(Box::pin(async move { timeout_at(deadline, storing).await.map_err(|_| too_late())? }))
}

fn too_late() -> Unavailable {
    Unavailable::new("no acknowledgement in time")
}
