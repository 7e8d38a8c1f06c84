//! One tail: reads on from its place, tells what its caller wants, and mends itself.
//!
//! It runs only while its caller takes what it says, so a slow one makes it wait, and the broker keeps the rest.

use std::time::Duration;

use bus::tail::{self, Tail, TailMessage};
use bus::{Bus, Unavailable};
use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Signals;
use super::event::{Event, Seen, events_of};
use super::frame;
use super::place::Place;
use super::resume::{Begin, gone, rewound};
use super::slots::Slot;
use super::standing::{Credential, Standing};
use super::wanted::Wanted;

/// A sign of life comes so often: proxies cut lines that are silent for a minute.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Pause before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// What keeps a tail going.
pub(crate) struct Session {
    bus: Bus,
    subjects: Vec<String>,
    wanted: Wanted,
    signals: Signals,
    /// Whether its caller may hear more.
    standing: Standing,
    /// What is to be said before anything else.
    said: Option<String>,
    /// Everything up to here is told.
    place: Place,
    /// No message before this one is looked at: what stood there was told before this tail began, or is of no concern.
    earliest: u64,
    seen: Seen,
    reading: Option<Tail>,
    /// The connection that was read over last.
    connection_no: u64,
    /// The caller has been told that events pause.
    paused: bool,
    alive_at: Instant,
    _slot: Slot,
}

/// What made a tail do something.
enum Turn {
    /// It is time to look whether its caller is still let in.
    Due,
    /// It is time for a sign of life.
    Alive,
    /// All are called, so that those whose callers are gone end.
    Called,
    /// The stream, which has this for the caller.
    Said(String),
}

impl Session {
    pub(super) fn new(
        bus: Bus,
        subjects: Vec<String>,
        wanted: Wanted,
        begin: Begin,
        signals: Signals,
        credential: Credential,
        slot: Slot,
    ) -> Self {
        Self {
            connection_no: bus.connection_no(),
            bus,
            subjects,
            wanted,
            signals,
            standing: Standing::new(credential),
            said: Some(begin.said),
            place: begin.place,
            earliest: begin.place.seq.saturating_add(1),
            seen: Seen::default(),
            reading: None,
            paused: false,
            alive_at: Instant::now() + ALIVE_EVERY,
            _slot: slot,
        }
    }

    /// What is to be said next, as soon as there is something; none when the tail ends.
    pub async fn next(&mut self) -> Option<Bytes> {
        let mut said = self.said.take().unwrap_or_default();
        let stop = self.signals.stop.clone();
        while said.is_empty() {
            if self.standing.has_ended() {
                return None;
            }
            let (due, alive_at, mut calls) = (self.standing.due(), self.alive_at, self.signals.calls.clone());
            let goes_on = self.standing.is_good();
            let turn = tokio::select! {
                biased;
                () = stop.requested() => return None,
                () = tokio::time::sleep_until(due) => Turn::Due,
                () = tokio::time::sleep_until(alive_at) => Turn::Alive,
                Ok(()) = calls.changed() => Turn::Called,
                said = self.go_on(), if goes_on => Turn::Said(said),
            };
            said = match turn {
                Turn::Said(said) => said,
                Turn::Due => tokio::select! {
                    () = stop.requested() => return None,
                    said = self.standing.look(&self.place) => said,
                },
                Turn::Called => {
                    self.signals.calls.mark_unchanged();
                    frame::comment("are you there?")
                }
                Turn::Alive => {
                    self.alive_at = Instant::now() + ALIVE_EVERY;
                    tokio::select! {
                        () = stop.requested() => return None,
                        said = self.live() => said,
                    }
                }
            };
        }
        Some(said.into())
    }

    /// Reads a message, or begins to read.
    async fn go_on(&mut self) -> String {
        let Some(reading) = &mut self.reading else {
            return match self.open().await {
                Ok(said) => said,
                Err(error) => self.pause(&error).await,
            };
        };
        match reading.next().await {
            Ok(message) => self.tell(&message),
            Err(error) => {
                tracing::debug!(%error, "a tail has to read anew");
                self.reading = None;
                String::new()
            }
        }
    }

    async fn pause(&mut self, error: &Unavailable) -> String {
        tracing::debug!(%error, "a tail cannot read");
        tokio::time::sleep(PAUSE).await;
        if std::mem::replace(&mut self.paused, true) {
            return String::new();
        }
        frame::comment("events pause: the bus is away")
    }

    /// Begins to read after its place, or says why that is not possible and takes what there is.
    async fn open(&mut self) -> Result<String, Unavailable> {
        let connection_no = self.bus.connection_no();
        let extent = tail::extent(&self.bus).await?;
        let mut place = self.place;
        let mut earliest = self.earliest;
        let mut said = String::new();
        if let Some(reason) = gone(&place, &extent) {
            place = Place::beginning_of(&extent);
            earliest = place.seq + 1;
            said = frame::gap(reason, &place);
        } else if connection_no != self.connection_no {
            // A broker that was killed may have forgotten its last messages: runners tell them again under places that
            // were read. What this tail has told before is not new to it.
            earliest = earliest.min(extent.last_seq + 1);
            let from = rewound(place.seq, &extent).seq.max(earliest.saturating_sub(1));
            if from != place.seq {
                place = Place::before(extent.incarnation, from + 1);
            }
        }
        self.reading = Some(Tail::open(&self.bus, &self.subjects, place.seq + 1).await?);
        (self.place, self.earliest, self.connection_no) = (place, earliest, connection_no);
        if std::mem::take(&mut self.paused) {
            said.insert_str(0, &frame::comment("events go on"));
        }
        Ok(said)
    }

    /// What a message has for the caller.
    fn tell(&mut self, message: &TailMessage) -> String {
        let taken = if message.seq == self.place.seq + 1 { self.place.taken } else { 0 };
        let after = |seq, taken| Place { seq, taken, stamp: message.stamp, ..self.place };
        let end = after(message.seq, 0);
        let events = events_of(&message.payload).unwrap_or_else(|| {
            tracing::warn!(message.seq, "events cannot be read");
            Vec::new()
        });
        let count = events.len();
        let mut said = String::new();
        for (number, raw) in (1_u32..).zip(events) {
            let last = number as usize == count;
            let place = if last { end } else { after(message.seq - 1, number) };
            tell_one(raw, place, number > taken, &mut self.seen, &self.wanted, &mut said);
        }
        self.place = end;
        said
    }

    /// A sign of life, with the place up to which there was nothing to tell.
    async fn live(&mut self) -> String {
        let mut said = String::new();
        match self.look().await {
            Ok(gap) => said = gap,
            // Reading fails as well, and says so.
            Err(error) => tracing::debug!(%error, "a tail cannot look where it is"),
        }
        said + &frame::alive(&self.place)
    }

    /// Compares its place with the stream: moves it on when nothing is left to read, and says when something went away that
    /// was not read.
    async fn look(&mut self) -> Result<String, Unavailable> {
        let Some(reading) = &self.reading else { return Ok(String::new()) };
        // In this order: what comes in between is not counted as read.
        let extent = tail::extent(&self.bus).await?;
        if extent.incarnation == self.place.incarnation
            && extent.last_seq >= self.place.seq
            && reading.has_all().await?
        {
            self.place = Place::end_of(&extent);
            return Ok(String::new());
        }
        if gone(&self.place, &extent).is_some() {
            self.reading = None;
            return self.open().await;
        }
        Ok(String::new())
    }
}

/// Tells one event, when it is new and wanted.
fn tell_one(raw: &RawValue, place: Place, due: bool, seen: &mut Seen, wanted: &Wanted, said: &mut String) {
    let Some(event) = Event::read(raw) else {
        tracing::warn!(%place, "an event cannot be read");
        return;
    };
    if seen.note(&event) && due && wanted.has(&event) {
        frame::event(said, &event.r#type, &place, raw);
    }
}
