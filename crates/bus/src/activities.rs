//! Activities: handed out, each to one of those who ask for its kind, and handed out again when that one goes silent.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use contracts::{subject, v1};
use futures::StreamExt;
use prost::Message;

use crate::publish::Outgoing;
use crate::{Bus, Unavailable};

/// Whoever does an activity and has not been heard of for so long has died; somebody else gets it.
const SILENT_MAX: Duration = Duration::from_secs(30);
/// How often whoever does an activity is heard of.
pub const HEARD_EVERY: Duration = Duration::from_secs(10);
/// What is given back is handed out again after this …
const BACK_AFTER: Duration = Duration::from_millis(100);
/// … and after at most this when it has been given back often.
const BACK_AFTER_MAX: Duration = Duration::from_secs(5);
/// Activities of one kind under way everywhere, those that were given back included.
const UNDER_WAY_MAX: i64 = 20_000;
/// Activities that one process is handed out before it asks for them.
const AHEAD_MAX: usize = 32;
/// A broker that is silent for twice as long has forgotten us.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The header by which the stream knows a message that it has already.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// Hands activities out. One that the stream still knows is not taken twice.
///
/// # Errors
/// When NATS is away or the stream is full; any of them may be handed out.
pub async fn issue(bus: &Bus, activities: &[v1::Activity]) -> Result<(), Unavailable> {
    let messages: Vec<Outgoing> = activities
        .iter()
        .map(|activity| Outgoing {
            subject: subject::activities(&activity.kind),
            headers: vec![(MESSAGE_ID, hex(&activity.id))],
            payload: activity.encode_to_vec().into(),
        })
        .collect();
    bus.publish_all(&messages).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Those who do activities of one kind.
pub struct Activities {
    messages: pull::Stream,
}

/// An activity that was handed out to us.
#[derive(Debug)]
pub struct HandedOut {
    /// What is to be done; none when it cannot be read.
    pub activity: Option<v1::Activity>,
    message: async_nats::jetstream::Message,
}

impl Activities {
    /// Joins those who do activities of this kind.
    ///
    /// # Errors
    /// When NATS is away or the stream is missing.
    pub async fn join(bus: &Bus, kind: &str) -> Result<Self, Unavailable> {
        bus.require_connected()?;
        let stream =
            bus.jetstream.get_stream_no_info(subject::ACTIVITIES_STREAM).await.map_err(Unavailable::new)?;
        let name = format!("activities-{kind}");
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: subject::activities(kind),
            ack_policy: AckPolicy::Explicit,
            ack_wait: SILENT_MAX,
            max_deliver: -1,
            max_ack_pending: UNDER_WAY_MAX,
            ..pull::Config::default()
        };
        let consumer: PullConsumer =
            stream.get_or_create_consumer(&name, config).await.map_err(Unavailable::new)?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(AHEAD_MAX)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(Unavailable::new)?;
        Ok(Self { messages })
    }

    /// The next activity. Whoever does not go on waiting loses none.
    ///
    /// # Errors
    /// When NATS is away or the stream is missing; then it is to be joined again.
    pub async fn next(&mut self) -> Result<HandedOut, Unavailable> {
        let message = self.messages.next().await.ok_or_else(|| Unavailable::new("no more are handed out"))?;
        let message = message.map_err(Unavailable::new)?;
        let activity = v1::Activity::decode(message.payload.clone())
            .inspect_err(|error| tracing::error!(%error, "an activity cannot be read"))
            .ok();
        Ok(HandedOut { activity, message })
    }
}

impl HandedOut {
    /// It is still being done. What is not heard costs a second doing of it.
    pub async fn is_under_way(&self) {
        if let Err(error) = self.message.ack_with(AckKind::Progress).await {
            tracing::debug!(%error, "the broker does not hear that an activity is under way");
        }
    }

    /// It cannot be done here now: it is handed out again after a while, which grows each time.
    pub async fn give_back(self) {
        let times = self.message.info().map_or(1, |info| info.delivered);
        let doublings = u32::try_from(times.saturating_sub(1)).unwrap_or(0);
        let pause = BACK_AFTER.saturating_mul(2_u32.saturating_pow(doublings)).min(BACK_AFTER_MAX);
        if let Err(error) = self.message.ack_with(AckKind::Nak(Some(pause))).await {
            tracing::debug!(%error, "the broker does not hear that an activity is given back");
        }
    }

    /// It is done, and its result is kept.
    pub async fn is_done(self) {
        if let Err(error) = self.message.ack().await {
            tracing::debug!(%error, "the broker does not hear that an activity is done");
        }
    }
}
