//! A durable subscription to events, for consumers that acknowledge: `turnloom events` and users' own programs.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::ConsumerCreateStrictErrorKind;
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
    /// Its place in the stream, from 1.
    pub seq: u64,
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

    /// Tells NATS that it is not handled: it comes again at once, and not only when the wait for its acknowledgement
    /// is over.
    ///
    /// # Errors
    /// When NATS is away; the message comes again all the same.
    pub async fn give_back(&self) -> Result<(), Unavailable> {
        self.message.ack_with(AckKind::Nak(None)).await.map_err(Unavailable::new)
    }
}

/// There is no such subscription.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubscribeError {
    /// The name is taken by a subscription to other events.
    #[error("the subscription '{name}' is there already and listens to {listens_to}, not to {wanted}")]
    Taken {
        /// The name.
        name: String,
        /// The filter that it has.
        listens_to: String,
        /// The filter that was asked for.
        wanted: String,
    },
    /// NATS cannot be asked.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
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
    pub async fn durable(bus: &Bus, name: &str, filter: &str, begin: Begin) -> Result<Self, SubscribeError> {
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
        // Subscribers of one account may not ask for the stream: it tells of all subjects.
        let stream =
            bus.jetstream.get_stream_no_info(subject::EVENTS_STREAM).await.map_err(Unavailable::new)?;
        // Never the call that changes a consumer which is there: it would get this filter, and lose events of its own.
        let consumer = match stream.create_consumer_strict(config).await {
            Ok(consumer) => consumer,
            Err(error) if error.kind() == ConsumerCreateStrictErrorKind::AlreadyExists => {
                stream.get_consumer(name).await.map_err(Unavailable::new)?
            }
            Err(error) => return Err(Unavailable::new(error).into()),
        };
        let config = &consumer.cached_info().config;
        if config.filter_subject == filter {
            return Ok(Self { consumer });
        }
        let filters = std::iter::once(&config.filter_subject).chain(&config.filter_subjects);
        let filters: Vec<&str> = filters.map(String::as_str).filter(|filter| !filter.is_empty()).collect();
        let listens_to = if filters.is_empty() { "everything".to_owned() } else { filters.join(", ") };
        Err(SubscribeError::Taken { name: name.to_owned(), listens_to, wanted: filter.to_owned() })
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
            let message = match message {
                Ok(message) => message,
                // The good ones before it are under way to nobody else. A failure is met again by the next call.
                Err(_) if !events.is_empty() => break,
                Err(error) => return Err(Unavailable::new(error)),
            };
            events.push(EventMessage {
                subject: message.subject.to_string(),
                seq: message.info().map_err(Unavailable::new)?.stream_sequence,
                payload: message.payload.clone(),
                message,
            });
        }
        Ok(events)
    }
}
