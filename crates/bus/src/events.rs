//! A durable subscription to events, for consumers that acknowledge: `turnloom events` and users' own programs.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use bytes::Bytes;
use contracts::subject;
use futures::StreamExt;

use crate::reader::{StreamState, stream_state};
use crate::{Bus, Unavailable};

/// A message that is not acknowledged is delivered again after this.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// The stream of events as it stands.
///
/// # Errors
/// When NATS is away or the stream is missing.
pub async fn stream(bus: &Bus) -> Result<StreamState, Unavailable> {
    stream_state(bus, subject::EVENTS_STREAM).await
}

/// Where a new subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With all events that the stream still has.
    All,
    /// With the next one.
    New,
}

/// Events of one bus message: a JSON array of CloudEvents.
pub struct EventMessage {
    /// `events.<account>.<type>`.
    pub subject: String,
    /// The array.
    pub payload: Bytes,
    message: async_nats::jetstream::Message,
}

impl EventMessage {
    /// Tells NATS that it is handled.
    ///
    /// # Errors
    /// When NATS is away; the message comes again.
    pub async fn ack(&self) -> Result<(), Unavailable> {
        self.message.ack().await.map_err(Unavailable::new)
    }
}

/// A subscription that NATS remembers by its name.
pub struct Subscription {
    consumer: PullConsumer,
}

impl Subscription {
    /// Makes the subscription, or goes on with the one of this name.
    ///
    /// # Errors
    /// When NATS is away, or the name is taken by a subscription with another filter.
    pub async fn durable(bus: &Bus, name: &str, filter: &str, begin: Begin) -> Result<Self, Unavailable> {
        bus.require_connected()?;
        let config = pull::Config {
            durable_name: Some(name.to_owned()),
            filter_subject: filter.to_owned(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            deliver_policy: match begin {
                Begin::All => DeliverPolicy::All,
                Begin::New => DeliverPolicy::New,
            },
            ..pull::Config::default()
        };
        let stream = bus.jetstream.get_stream(subject::EVENTS_STREAM).await.map_err(Unavailable::new)?;
        let consumer = stream.get_or_create_consumer(name, config).await.map_err(Unavailable::new)?;
        Ok(Self { consumer })
    }

    /// The next messages, at most `messages_max`; none when `wait` is over.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn next_batch(
        &self,
        messages_max: usize,
        wait: Duration,
    ) -> Result<Vec<EventMessage>, Unavailable> {
        let mut batch = self
            .consumer
            .batch()
            .max_messages(messages_max)
            .expires(wait)
            .messages()
            .await
            .map_err(Unavailable::new)?;
        let mut events = Vec::new();
        while let Some(message) = batch.next().await {
            let message = message.map_err(Unavailable::new)?;
            events.push(EventMessage {
                subject: message.subject.to_string(),
                payload: message.payload.clone(),
                message,
            });
        }
        Ok(events)
    }
}
