//! Reads a whole stream in order from a place that the caller knows.
//!
//! An ephemeral, unfiltered consumer without acknowledgements: the caller's own cursor says what was handled. A
//! reader never mends itself silently: on a lost connection, a missed heartbeat or a gap it fails, and the caller
//! opens a new one after its cursor. (The library's ordered consumer was seen to need 15 s after a killed
//! server, and to begin again at the start.)

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull};
use async_nats::jetstream::stream::Info;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};

use crate::connection::CALL_DEADLINE;
use crate::{Bus, Unavailable};

/// The server's sign of life on an idle stream; a reader that misses two has failed.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long one request for messages stands.
const REQUEST_EXPIRES: Duration = Duration::from_secs(30);
/// Messages asked for at once.
const REQUEST_MESSAGES: usize = 256;
/// Bytes asked for at once, whatever the backlog is: the next are asked for when half of them have come, so one and a half
/// times as many may wait in memory. Several of the largest messages (1 MiB) fit, or the server could not send any.
const REQUEST_BYTES: usize = 4 << 20;
/// A batch that has so many bytes takes no further message: it is decoded as a whole, and is then several times as large.
const BATCH_BYTES: usize = 2 << 20;
/// The server forgets the consumer of a reader that is gone after this.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(30);

/// A stream as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamState {
    /// Creation time, Unix nanoseconds. It survives a restart and changes when the stream is made again.
    pub incarnation: i64,
    /// The last message's place; 0 before the first.
    pub last_seq: u64,
    /// The first message that it still has; after the last one when it has none.
    pub first_seq: u64,
    /// When the first message that it still has was stored, Unix milliseconds; long ago when it has none.
    pub first_at_ms: i64,
}

impl StreamState {
    /// When the first message that it still has was stored, by the broker's clock in Unix milliseconds; none when it has
    /// none.
    #[must_use]
    pub fn oldest_at_ms(&self) -> Option<i64> {
        (self.last_seq > 0 && self.first_seq <= self.last_seq).then_some(self.first_at_ms)
    }
}

/// Asks for a stream.
///
/// # Errors
/// When NATS is away or the stream is missing.
pub async fn stream_state(bus: &Bus, name: &str) -> Result<StreamState, Unavailable> {
    bus.require_connected()?;
    let stream = bus.jetstream.get_stream(name).await.map_err(Unavailable::new)?;
    let info = stream.cached_info();
    Ok(StreamState {
        incarnation: incarnation_of(info),
        last_seq: info.state.last_sequence,
        first_seq: info.state.first_sequence,
        first_at_ms: info.state.first_timestamp.timestamp_millis(),
    })
}

/// Tells a stream from another one of the same name.
pub(crate) fn incarnation_of(info: &Info) -> i64 {
    info.created.timestamp_nanos_opt().unwrap_or_default()
}

/// A message of a stream.
#[derive(Debug, Clone)]
pub struct StreamMessage {
    /// Its place in the stream, from 1.
    pub seq: u64,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub payload: Bytes,
}

/// Reads on from one place.
pub struct Reader {
    messages: pull::Stream,
    next_seq: u64,
    next_delivery: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("next_seq", &self.next_seq).finish_non_exhaustive()
    }
}

impl Reader {
    /// Starts at `from_seq`, or at the first message after it that is still there.
    ///
    /// # Errors
    /// When NATS is away or there is no such stream.
    pub async fn open(bus: &Bus, stream: &str, from_seq: u64) -> Result<Self, Unavailable> {
        bus.require_connected()?;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from_seq.max(1) },
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: INACTIVE_THRESHOLD,
            ..pull::Config::default()
        };
        let opening = async {
            let consumer =
                bus.jetstream.create_consumer_on_stream(config, stream).await.map_err(Unavailable::new)?;
            consumer
                .stream()
                .max_messages_per_batch(REQUEST_MESSAGES)
                .max_bytes_per_batch(REQUEST_BYTES)
                .expires(REQUEST_EXPIRES)
                .heartbeat(HEARTBEAT)
                .messages()
                .await
                .map_err(Unavailable::new)
        };
        let messages = tokio::time::timeout(CALL_DEADLINE, opening)
            .await
            .map_err(|_| Unavailable::new("opening the stream took too long"))??;
        Ok(Self { messages, next_seq: from_seq.max(1), next_delivery: 1 })
    }

    /// The messages that are there, in order, at most `messages_max` and not more than it takes to have 2 MiB; waits for
    /// the first one, but not longer than `wait`, after which there are none.
    ///
    /// # Errors
    /// When reading has to begin anew after the last message that was given: the reader is of no use any more.
    pub async fn next_batch(
        &mut self,
        messages_max: usize,
        wait: Duration,
    ) -> Result<Vec<StreamMessage>, Unavailable> {
        let Ok(first) = tokio::time::timeout(wait, self.messages.next()).await else { return Ok(Vec::new()) };
        let first = self.check(first)?;
        let mut bytes = first.payload.len();
        let mut batch = vec![first];
        while batch.len() < messages_max && bytes < BATCH_BYTES {
            match self.messages.next().now_or_never() {
                // A failure after good messages is met again by the next call.
                Some(Some(Err(_)) | None) | None => break,
                Some(message) => match self.check(message) {
                    Ok(message) => {
                        bytes += message.payload.len();
                        batch.push(message);
                    }
                    Err(error) if batch.is_empty() => return Err(error),
                    Err(error) => {
                        tracing::debug!(%error, "reading stops");
                        self.next_delivery = 0;
                        break;
                    }
                },
            }
        }
        Ok(batch)
    }

    /// Takes a delivery only if nothing is missing before it.
    fn check<E: std::fmt::Display>(
        &mut self,
        delivery: Option<Result<async_nats::jetstream::Message, E>>,
    ) -> Result<StreamMessage, Unavailable> {
        let message =
            delivery.ok_or_else(|| Unavailable::new("the stream has ended"))?.map_err(Unavailable::new)?;
        let info = message.info().map_err(Unavailable::new)?;
        if info.consumer_sequence != self.next_delivery || info.stream_sequence < self.next_seq {
            return Err(Unavailable::new("a delivery is missing"));
        }
        self.next_delivery += 1;
        self.next_seq = info.stream_sequence + 1;
        let seq = info.stream_sequence;
        let message = message.message;
        Ok(StreamMessage { seq, subject: message.subject.to_string(), payload: message.payload })
    }
}
