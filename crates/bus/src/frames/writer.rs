//! Joins the inputs that wait into one frame: the next gathers while the last one is synced.
//!
//! One frame is under way at a time, and while frames are shared the next begins a little after its end (`pace`), so an idle
//! writer sends an input at once and a busy one sends many with one fsync. Nobody is told that an input is kept before the stream has
//! acknowledged its frame.

use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use contracts::{subject, v1};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::pace::Pace;
use super::shares::{NoPlace, Place, Shares};
use crate::Bus;

/// Inputs that may be under way: wait for a frame, or are in the one that is being synced.
const UNDER_WAY_MAX: usize = 8192;
/// Inputs in one frame.
const FRAME_INPUTS_MAX: usize = 4096;
/// Bytes of one frame, below the broker's 1 MiB.
const FRAME_BYTES_MAX: usize = 900 * 1024;
/// An acknowledgement that takes longer is given up on.
const ACK_DEADLINE: Duration = Duration::from_secs(5);

/// An input was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Too many inputs wait already; this one was not sent.
    #[error("too many inputs wait to be stored")]
    Full,
    /// Too many inputs of its account wait already; this one was not sent.
    #[error("too many inputs of this account wait to be stored")]
    OverShare,
    /// It is too large for a frame; it was not sent.
    #[error("the input is too large")]
    TooLarge,
    /// The stream refused it, being full; it is not stored.
    #[error("the stream refused it: {0}")]
    Refused(String),
    /// NATS is away; it was not sent.
    #[error("the bus is away: {0}")]
    Unavailable(String),
    /// It was sent and no acknowledgement came: it may be stored.
    #[error("no acknowledgement: {0}")]
    Unknown(String),
}

impl AppendError {
    /// Whether the input is certainly not stored.
    #[must_use]
    pub fn is_not_stored(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

type Outcome = oneshot::Sender<Result<u64, AppendError>>;

struct Waiting {
    part: v1::Frame,
    bytes: usize,
    outcome: Outcome,
    place: Place,
}

/// Appends to one group's stream. Clones share the frames.
#[derive(Debug, Clone)]
pub struct Writer {
    waiting: mpsc::Sender<Waiting>,
    shares: Shares,
}

impl Writer {
    /// Starts the task that gathers and sends. It ends with the last clone of the writer.
    #[must_use]
    pub fn start(bus: &Bus, group: u32) -> Self {
        Self::gathering(bus, group, Duration::ZERO)
    }

    /// The same; each frame holds what comes within this time after its first input, or longer.
    #[must_use]
    pub fn gathering(bus: &Bus, group: u32, within: Duration) -> Self {
        let (waiting, inputs) = mpsc::channel(UNDER_WAY_MAX);
        tokio::spawn(write(bus.clone(), subject::turns(group), inputs, Pace::gathering(within)));
        Self { waiting, shares: Shares::of(UNDER_WAY_MAX) }
    }

    /// Appends an input and waits until it is kept; gives its frame's place in the stream. An account may have as many
    /// inputs under way as there are free places, so that one which floods leaves room for the others.
    ///
    /// # Errors
    /// When it is not, or it is not known.
    pub async fn append(&self, input: v1::Input) -> Result<u64, AppendError> {
        let sender = Some(input.account_id.clone());
        self.add(v1::Frame { inputs: vec![input], markers: Vec::new() }, sender).await
    }

    /// Appends catalog markers, all in one frame.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub async fn append_markers(&self, markers: Vec<v1::CatalogMarker>) -> Result<u64, AppendError> {
        self.add(v1::Frame { inputs: Vec::new(), markers }, None).await
    }

    async fn add(&self, part: v1::Frame, sender: Option<Bytes>) -> Result<u64, AppendError> {
        let bytes = part.encoded_len();
        if bytes > FRAME_BYTES_MAX {
            return Err(AppendError::TooLarge);
        }
        let place = self.shares.take(sender).map_err(|refused| match refused {
            NoPlace::Full => AppendError::Full,
            NoPlace::OverShare => AppendError::OverShare,
        })?;
        let (outcome, result) = oneshot::channel();
        let waiting = Waiting { part, bytes, outcome, place };
        self.waiting.try_send(waiting).map_err(|_| AppendError::Full)?;
        result.await.unwrap_or_else(|_| Err(AppendError::Unknown("the writer has ended".to_owned())))
    }
}

async fn write(bus: Bus, subject: String, mut inputs: mpsc::Receiver<Waiting>, mut pace: Pace) {
    let mut next = inputs.recv().await;
    while let Some(first) = next.take() {
        let until = pace.gathers_until(Instant::now());
        // A timer takes up to a millisecond, also when there is nothing to wait for.
        if until > Instant::now() {
            tokio::time::sleep_until(until).await;
        }
        let started = Instant::now();
        let mut bytes = first.bytes;
        let mut frame = first.part;
        let mut outcomes = vec![(first.outcome, first.place)];
        while outcomes.len() < FRAME_INPUTS_MAX {
            let Ok(waiting) = inputs.try_recv() else { break };
            if bytes + waiting.bytes > FRAME_BYTES_MAX {
                next = Some(waiting);
                break;
            }
            // A frame's markers count before its inputs, so markers that came later begin a frame of their own.
            if !waiting.part.markers.is_empty() && !frame.inputs.is_empty() {
                next = Some(waiting);
                break;
            }
            bytes += waiting.bytes;
            frame.inputs.extend(waiting.part.inputs);
            frame.markers.extend(waiting.part.markers);
            outcomes.push((waiting.outcome, waiting.place));
        }
        let result = send(&bus, &subject, &frame).await;
        pace.sent(outcomes.len(), started, started.elapsed());
        metrics::histogram!("turnloom_intake_frame_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("turnloom_intake_frame_inputs")
            .record(u32::try_from(outcomes.len()).map_or(f64::MAX, f64::from));
        if let Err(error) = &result {
            metrics::counter!("turnloom_intake_frames_failed_total").increment(1);
            tracing::warn!(%error, inputs = outcomes.len(), "a frame was not acknowledged");
        }
        for (outcome, place) in outcomes {
            drop(place);
            // A caller that has gone away does not hear it.
            outcome.send(result.clone()).ok();
        }
        if next.is_none() {
            next = inputs.recv().await;
        }
    }
}

async fn send(bus: &Bus, subject: &str, frame: &v1::Frame) -> Result<u64, AppendError> {
    bus.require_connected().map_err(|error| AppendError::Unavailable(error.to_string()))?;
    let message = PublishMessage::build().payload(frame.encode_to_vec().into());
    let mut losses = bus.losses();
    let sending = async {
        let acknowledged = bus
            .jetstream
            .send_publish(subject.to_owned(), message)
            .await
            .map_err(|error| AppendError::Unknown(error.to_string()))?;
        acknowledged.await.map(|ack| ack.sequence).map_err(|error| match error.kind() {
            // The server answered, and it was no.
            PublishErrorKind::Other => AppendError::Refused(error.to_string()),
            PublishErrorKind::StreamNotFound => AppendError::Unavailable("the stream is missing".to_owned()),
            _ => AppendError::Unknown(error.to_string()),
        })
    };
    // An acknowledgement never comes over another connection; to wait for it would hold up all inputs behind it.
    let unknown = |why: &str| Err(AppendError::Unknown(why.to_owned()));
    tokio::select! {
        sent = tokio::time::timeout(ACK_DEADLINE, sending) => {
            sent.unwrap_or_else(|_| unknown("no acknowledgement in time"))
        }
        Ok(()) = losses.changed() => unknown("the connection was lost"),
    }
}
