//! The door for inputs: an input that is accepted is kept by the stream, whatever happens afterwards.

mod fairness;
mod overload;
mod waiters;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bus::frames::{AppendError, Writer};
use bus::{Bus, Layout};
use contracts::v1::{self, input::Kind};
use contracts::{ErrorCode, partition, subject};
use flow_model::{AccountId, Channel, ConversationId, ExecutionId};
use futures::StreamExt;
use platform::clock;
use platform::telemetry::trace_context;

use crate::http::error::ApiError;
pub(crate) use overload::Rules;
use overload::{Door, Refusal};
pub(crate) use waiters::{Waiter, Waiters};

/// Pause between attempts to learn the layout.
const LAYOUT_PAUSE: Duration = Duration::from_millis(250);
/// Seconds after which an overloaded partition may take messages again: it has to work some of them off.
const OVERLOADED_RETRY_SECONDS: u64 = 30;
/// Seconds after which an account that had more than its share has it again: the time that shares are counted over.
const OVER_SHARE_RETRY_SECONDS: u64 = 10;

/// Takes inputs in. Clones share the frames and the callers that wait.
#[derive(Clone)]
pub(crate) struct Intake {
    streams: Arc<OnceLock<Streams>>,
    waiters: Waiters,
    answer_to: Arc<str>,
}

/// The groups' streams, once a runner has set them up.
struct Streams {
    layout: Layout,
    writers: Vec<Writer>,
    door: Arc<Door>,
}

/// What is to be kept.
pub(crate) struct NewInput {
    pub account: AccountId,
    pub channel: Channel,
    pub customer_id: String,
    pub kind: Kind,
}

/// An input on its way: its execution's id is known before it is kept.
pub(crate) struct Minted {
    input: v1::Input,
    pub execution: ExecutionId,
    pub conversation: ConversationId,
}

impl Intake {
    /// Starts to listen for answers and to look for the streams; the tasks run on the runtime of the caller.
    pub async fn start(bus: &Bus, rules: Rules) -> Result<Self, bus::Unavailable> {
        let answer_to: Arc<str> = subject::answers(&clock::new_uuid_v4().simple().to_string()).into();
        let waiters = Waiters::default();
        let mut answers = bus.subscribe_answers(&answer_to).await?;
        let heard = waiters.clone();
        tokio::spawn(async move {
            while let Some(answer) = answers.next().await {
                heard.resolve(answer);
            }
        });
        let streams = Arc::new(OnceLock::new());
        tokio::spawn(find_streams(bus.clone(), rules, Arc::clone(&streams)));
        Ok(Self { streams, waiters, answer_to })
    }

    /// Whether inputs can be taken in.
    pub fn is_ready(&self) -> bool {
        self.streams.get().is_some()
    }

    /// Gives an input its id and its place in the order.
    pub fn mint(&self, new: NewInput) -> Result<Minted, ApiError> {
        let streams = self.streams()?;
        let execution = ExecutionId::new(clock::new_uuid_v7());
        let conversation = ConversationId::of(new.account, new.channel.as_str(), &new.customer_id);
        let input = v1::Input {
            partition: partition::of_customer(new.account, &new.customer_id, streams.layout.partitions),
            account_id: new.account.to_vec().into(),
            execution_id: execution.to_vec().into(),
            customer_id: new.customer_id,
            channel: new.channel.as_str().to_owned(),
            accepted_at_ms: execution.accepted_at_ms(),
            traceparent: trace_context::current_traceparent(),
            answer_to: String::new(),
            kind: Some(new.kind),
        };
        Ok(Minted { input, execution, conversation })
    }

    /// Has the stream keep an input. The caller hears nothing more of it.
    pub async fn accept(&self, minted: Minted) -> Result<(), ApiError> {
        self.append(minted.input).await
    }

    /// Has the stream keep an input, and hears what becomes of it.
    pub async fn accept_and_hear(&self, minted: Minted) -> Result<Waiter, ApiError> {
        let waiter = self.waiters.register(minted.execution).ok_or_else(|| {
            ApiError::because(ErrorCode::ServiceUnavailable, "Too many callers wait for executions")
        })?;
        self.append(v1::Input { answer_to: self.answer_to.to_string(), ..minted.input }).await?;
        Ok(waiter)
    }

    async fn append(&self, input: v1::Input) -> Result<(), ApiError> {
        let streams = self.streams()?;
        let group = (input.partition % streams.layout.groups) as usize;
        let writer = streams.writers.get(group).ok_or_else(not_ready)?;
        let account = AccountId::from_slice(&input.account_id).map_err(|_| not_ready())?;
        if let Err(refused) = streams.door.admit(group, input.partition, account, clock::now_ms()) {
            count("refused");
            return Err(turned_away(refused));
        }
        let result = writer.append(input).await;
        count(match &result {
            Ok(_) => "kept",
            Err(
                AppendError::Full | AppendError::OverShare | AppendError::Refused(_) | AppendError::TooLarge,
            ) => "refused",
            Err(AppendError::Unavailable(_)) => "unavailable",
            Err(AppendError::Unknown(_)) => "unknown",
        });
        result.map(|_| ()).map_err(|error| refusal(&error))
    }

    fn streams(&self) -> Result<&Streams, ApiError> {
        self.streams.get().ok_or_else(not_ready)
    }
}

fn not_ready() -> ApiError {
    ApiError::because(ErrorCode::ServiceUnavailable, "No execution runner has set the streams up yet")
}

fn count(outcome: &'static str) {
    metrics::counter!("turnloom_intake_inputs_total", "outcome" => outcome).increment(1);
}

fn count_refusal(reason: &'static str) {
    metrics::counter!("turnloom_intake_refusals_total", "reason" => reason).increment(1);
}

/// Too much waits already.
fn turned_away(refused: Refusal) -> ApiError {
    match refused {
        Refusal::Overloaded(waited_ms) => {
            count_refusal("overloaded");
            let details = format!(
                "Messages of this customer's partition have waited for {} s; nothing was stored",
                waited_ms / 1000
            );
            ApiError::because(ErrorCode::ServiceUnavailable, details).retrying_after(OVERLOADED_RETRY_SECONDS)
        }
        Refusal::OverShare(waited_ms) => {
            count_refusal("over_share");
            let details = format!(
                "Messages have waited for {} s, and this account had more than its share of the last {OVER_SHARE_RETRY_SECONDS} s; nothing was stored",
                waited_ms / 1000
            );
            ApiError::because(ErrorCode::ServiceUnavailable, details).retrying_after(OVER_SHARE_RETRY_SECONDS)
        }
    }
}

fn refusal(error: &AppendError) -> ApiError {
    tracing::warn!(%error, "an input was not taken in");
    let details = match error {
        AppendError::TooLarge => {
            count_refusal("too_large");
            return ApiError::because(ErrorCode::PayloadTooLarge, "The message does not fit into a frame");
        }
        AppendError::Full => {
            count_refusal("queue_full");
            "Too many messages wait to be stored; nothing was stored"
        }
        AppendError::OverShare => {
            count_refusal("queue_share");
            "Too many messages of this account wait to be stored; nothing was stored"
        }
        AppendError::Refused(_) => {
            count_refusal("stream_full");
            "The stream is full; nothing was stored"
        }
        AppendError::Unavailable(_) => "The message broker is away; nothing was stored",
        AppendError::Unknown(_) => {
            "The message broker did not confirm: it may be stored. A message is safe to send again with the same message_id"
        }
    };
    ApiError::because(ErrorCode::ServiceUnavailable, details)
}

async fn find_streams(bus: Bus, rules: Rules, streams: Arc<OnceLock<Streams>>) {
    loop {
        match bus.layout().await {
            Ok(Some(layout)) => {
                let writers = (0..layout.groups).map(|group| Writer::start(&bus, group)).collect();
                let door = Arc::new(Door::new(rules, layout.groups));
                // Nobody else sets it.
                streams.set(Streams { layout, writers, door: Arc::clone(&door) }).ok();
                return watch::run(bus, layout, door).await;
            }
            Ok(None) => tracing::debug!("no runner has set the streams up yet"),
            Err(error) => tracing::debug!(%error, "the layout cannot be asked for"),
        }
        tokio::time::sleep(LAYOUT_PAUSE).await;
    }
}
