//! The partition loop's transport over NATS.

use std::time::Duration;

use bus::Bus;
use bus::frames;
use bus::reader::Reader;
use bus::teller::Teller;
use contracts::{subject, v1};
use prost::Message;
use tokio::sync::mpsc;

use crate::partition::port::{Outgoing, RawFrame, Stream, Telling, Transport, Unavailable};
use crate::partition::tell::event::BATCH_CONTENT_TYPE;

/// Bytes of a frame of timers and results, below the broker's 1 MiB.
const FRAME_BYTES_MAX: usize = 512 * 1024;
/// Activities that wait to be handed on, and that are handed on together.
const ISSUED_MAX: usize = 1024;

/// One group's frames, and everything that is told.
pub struct BusTransport {
    bus: Bus,
    group: u32,
    reader: Option<Reader>,
    /// Tells as long as it is not lost: then what was told last may be forgotten, and has to be told again before anything
    /// newer.
    teller: Option<Teller>,
    /// The connection that the reading began on.
    reading_on: u64,
    /// Activities to be handed on.
    issued: mpsc::Sender<v1::Activity>,
}

impl BusTransport {
    /// Not reading yet.
    pub fn new(bus: Bus, group: u32) -> Self {
        let (issued, activities) = mpsc::channel(ISSUED_MAX);
        tokio::spawn(hand_on(bus.clone(), activities));
        Self { bus, group, reader: None, teller: None, reading_on: 0, issued }
    }
}

/// Hands activities on to their stream, until the loop has ended. One that is not handed on is issued again from its row, later.
async fn hand_on(bus: Bus, mut activities: mpsc::Receiver<v1::Activity>) {
    let mut next = Vec::new();
    while activities.recv_many(&mut next, ISSUED_MAX).await > 0 {
        if let Err(error) = bus::activities::issue(&bus, &next).await {
            tracing::warn!(%error, activities = next.len(), "activities will be issued later");
        }
        next.clear();
    }
}

/// What was published over an earlier connection may be forgotten, and has to be told again before anything newer.
fn require_same_connection(bus: &Bus, reading_on: u64) -> Result<(), Unavailable> {
    if bus.connection_no() == reading_on { Ok(()) } else { Err(away("the connection was lost in between")) }
}

fn away(error: impl std::fmt::Display) -> Unavailable {
    Unavailable(error.to_string())
}

impl Transport for BusTransport {
    async fn stream(&self) -> Result<Stream, Unavailable> {
        let info = frames::stream(&self.bus, self.group).await.map_err(away)?;
        Ok(Stream {
            incarnation: info.incarnation,
            last_seq: info.last_seq,
            first_at_ms: info.first_at_ms,
            broker: self.bus.server_id(),
        })
    }

    async fn read_after(&mut self, seq: u64) -> Result<(), Unavailable> {
        self.reader = None;
        self.reading_on = self.bus.connection_no();
        self.teller = None;
        self.teller = Some(self.bus.teller().await.map_err(away)?);
        self.reader = Some(frames::read(&self.bus, self.group, seq + 1).await.map_err(away)?);
        Ok(())
    }

    async fn next_frames(&mut self, frames_max: usize, wait: Duration) -> Result<Vec<RawFrame>, Unavailable> {
        let Some(reader) = &mut self.reader else { return Err(away("nothing is being read")) };
        let frames = reader.next_batch(frames_max, wait).await.map_err(away)?;
        Ok(frames.into_iter().map(|frame| RawFrame { seq: frame.seq, payload: frame.payload }).collect())
    }

    async fn publish(&self, outgoing: &[Outgoing]) -> Result<Telling, Unavailable> {
        let messages: Vec<bus::publish::Outgoing> = outgoing
            .iter()
            .map(|message| bus::publish::Outgoing {
                subject: message.subject.clone(),
                headers: vec![("content-type", message.content_type.to_owned())],
                payload: message.payload.clone(),
            })
            .collect();
        require_same_connection(&self.bus, self.reading_on)?;
        let teller = self.teller.as_ref().ok_or_else(|| away("nothing is being read"))?;
        let storing = teller.publish(&messages).await.map_err(away)?;
        let (mut events, mut replies) = (0, 0);
        for message in outgoing {
            let counted = if message.content_type == BATCH_CONTENT_TYPE { &mut events } else { &mut replies };
            *counted += message.items as u64;
        }
        let (bus, reading_on) = (self.bus.clone(), self.reading_on);
        Ok(Box::pin(async move {
            storing.await.map_err(away)?;
            require_same_connection(&bus, reading_on)?;
            metrics::counter!("turnloom_runner_events_published_total").increment(events);
            metrics::counter!("turnloom_runner_replies_published_total").increment(replies);
            Ok(())
        }))
    }

    async fn append(&self, inputs: Vec<v1::Input>) -> Result<(), Unavailable> {
        let mut frames: Vec<v1::Frame> = vec![v1::Frame::default()];
        let mut bytes = 0;
        for input in inputs {
            bytes += input.encoded_len() + 8;
            match frames.last_mut() {
                Some(frame) if bytes <= FRAME_BYTES_MAX => frame.inputs.push(input),
                _ => {
                    bytes = input.encoded_len() + 8;
                    frames.push(v1::Frame { inputs: vec![input], markers: Vec::new() });
                }
            }
        }
        let frames: Vec<bus::publish::Outgoing> = frames
            .into_iter()
            .filter(|frame| !frame.inputs.is_empty())
            .map(|frame| bus::publish::Outgoing {
                subject: subject::turns(self.group),
                headers: Vec::new(),
                payload: frame.encode_to_vec().into(),
            })
            .collect();
        self.bus.publish_all(&frames).await.map_err(away)
    }

    async fn issue(&self, activities: &[v1::Activity]) -> Result<(), Unavailable> {
        for activity in activities {
            self.issued
                .try_send(activity.clone())
                .map_err(|_| away("too many activities wait for the bus"))?;
        }
        Ok(())
    }

    async fn answer(&self, subject: &str, answers: v1::Answers) {
        if let Err(error) = self.bus.send_answers(subject, answers).await {
            tracing::warn!(%error, "an answer was not sent; the caller will ask");
        }
    }

    async fn purge_through(&self, incarnation: i64, seq: u64) -> Result<(), Unavailable> {
        frames::purge_below(&self.bus, self.group, incarnation, seq + 1).await.map_err(away)
    }
}
