//! Reads events of one account as they come, for a reader that may be slow: nothing is fetched before it is asked for.
//!
//! An ephemeral, filtered consumer without acknowledgements, asked for a few messages at a time. As [`crate::reader`] it
//! never mends itself: whatever is lost ends it, and the caller opens a new one after its own place. A place can be
//! checked later by the stamp of its message, since a broker that was killed gives places of messages that it forgot
//! to others.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull};
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use contracts::subject;
use futures::StreamExt;
use tokio::sync::watch;

use crate::connection::CALL_DEADLINE;
use crate::reader::incarnation_of;
use crate::{Bus, Unavailable};

/// Messages asked for at once, of 1 MiB at most each: so much waits in memory for a reader that has stopped to read.
const REQUEST_MESSAGES: usize = 4;
/// How long one request for messages stands.
const REQUEST_EXPIRES: Duration = Duration::from_secs(15);
/// The server forgets the consumer of a reader that has asked for nothing so long.
const INACTIVE_THRESHOLD: Duration = Duration::from_mins(2);

/// The stream of events as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Tells the stream from another one of the same name.
    pub incarnation: i64,
    /// The first message that it still has; after the last one when it has none.
    pub first_seq: u64,
    /// The last message's place; 0 before the first.
    pub last_seq: u64,
    /// The last message's stamp.
    pub last_stamp: u32,
}

/// A message of an account.
#[derive(Debug, Clone)]
pub struct TailMessage {
    /// Its place in the stream, from 1.
    pub seq: u64,
    /// Tells it from another one at the same place: a part of the time at which it was stored.
    pub stamp: u32,
    /// A JSON array of CloudEvents.
    pub payload: Bytes,
}

/// Asks how far the stream reaches.
///
/// # Errors
/// When NATS is away or the stream is missing.
pub async fn extent(bus: &Bus) -> Result<Extent, Unavailable> {
    bus.require_connected()?;
    let asking = bus.jetstream.get_stream(subject::EVENTS_STREAM);
    let stream = in_time(asking).await?.map_err(Unavailable::new)?;
    let info = stream.cached_info();
    Ok(Extent {
        incarnation: incarnation_of(info),
        first_seq: info.state.first_sequence,
        last_seq: info.state.last_sequence,
        last_stamp: stamp_of(info.state.last_timestamp.timestamp_nanos_opt()),
    })
}

/// The stamp of the message at a place; none when there is none any more.
///
/// # Errors
/// When NATS is away or the stream is missing.
pub async fn stamp_at(bus: &Bus, seq: u64) -> Result<Option<u32>, Unavailable> {
    bus.require_connected()?;
    let asking = async {
        let stream = bus.jetstream.get_stream(subject::EVENTS_STREAM).await.map_err(Unavailable::new)?;
        match stream.get_raw_message(seq).await {
            Ok(message) => Ok(Some(stamp_of(message.time.timestamp_nanos_opt()))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(Unavailable::new(error)),
        }
    };
    in_time(asking).await?
}

/// Never 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any part of it serves")]
fn stamp_of(stored_at_ns: Option<i64>) -> u32 {
    (stored_at_ns.unwrap_or_default() as u32).max(1)
}

async fn in_time<T>(asking: impl Future<Output = T>) -> Result<T, Unavailable> {
    tokio::time::timeout(CALL_DEADLINE, asking).await.map_err(|_| Unavailable::new("no answer in time"))
}

/// Reads on from one place.
pub struct Tail {
    consumer: PullConsumer,
    request: Option<pull::Batch>,
    losses: watch::Receiver<u64>,
    next_delivery: u64,
}

impl Tail {
    /// Starts with the first message at `from_seq` or after it that stands under one of these subjects.
    ///
    /// # Errors
    /// When NATS is away or the stream is missing.
    pub async fn open(bus: &Bus, subjects: &[String], from_seq: u64) -> Result<Self, Unavailable> {
        bus.require_connected()?;
        let losses = bus.losses();
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from_seq.max(1) },
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            filter_subjects: subjects.to_vec(),
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: INACTIVE_THRESHOLD,
            ..pull::Config::default()
        };
        let making = bus.jetstream.create_consumer_on_stream(config, subject::EVENTS_STREAM);
        let consumer = in_time(making).await?.map_err(Unavailable::new)?;
        Ok(Self { consumer, request: None, losses, next_delivery: 1 })
    }

    /// The next message, however long it takes. May be dropped at any time.
    ///
    /// # Errors
    /// When reading has to begin anew after the last message that was given: this is of no use any more.
    pub async fn next(&mut self) -> Result<TailMessage, Unavailable> {
        loop {
            let Some(request) = &mut self.request else {
                self.request = Some(self.ask().await?);
                continue;
            };
            let delivery = tokio::select! {
                delivery = request.next() => delivery,
                // What a lost connection was to bring does not come any more.
                _ = self.losses.changed() => return Err(Unavailable::new("the connection was lost")),
            };
            match delivery {
                Some(message) => return self.check(&message.map_err(Unavailable::new)?),
                None => self.request = None,
            }
        }
    }

    async fn ask(&self) -> Result<pull::Batch, Unavailable> {
        let asking = self.consumer.batch().max_messages(REQUEST_MESSAGES).expires(REQUEST_EXPIRES).messages();
        in_time(asking).await?.map_err(Unavailable::new)
    }

    /// Takes a delivery only if nothing is missing before it.
    fn check(&mut self, message: &async_nats::jetstream::Message) -> Result<TailMessage, Unavailable> {
        let info = message.info().map_err(Unavailable::new)?;
        if info.consumer_sequence != self.next_delivery {
            return Err(Unavailable::new("a delivery is missing"));
        }
        self.next_delivery += 1;
        let payload = message.payload.clone();
        Ok(TailMessage {
            seq: info.stream_sequence,
            stamp: stamp_of(info.published.timestamp_nanos_opt()),
            payload,
        })
    }

    /// Whether it has given all that stood in the stream when it was asked.
    ///
    /// # Errors
    /// When NATS is away, or has forgotten this reader.
    pub async fn has_all(&self) -> Result<bool, Unavailable> {
        let info = in_time(self.consumer.get_info()).await?.map_err(Unavailable::new)?;
        Ok(info.num_pending == 0 && info.delivered.consumer_sequence + 1 == self.next_delivery)
    }
}
