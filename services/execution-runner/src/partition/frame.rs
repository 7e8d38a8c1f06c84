//! A frame as a runner sees it: the inputs that it has to handle, whole or taken apart.
//!
//! Usually a frame is applied as a whole, with others. After its last owner may have died of an input, each input of a
//! suspect partition is a piece of its own, so that each is applied, or given up, alone; what is left of the
//! frame is the last piece.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use contracts::v1::{self, DeadLetterKind};
use prost::Message;

use super::arrival::{Arrival, What};
use super::port::{DeadLetter, Ownership, RawFrame};

/// A frame, or a piece of one.
#[derive(Debug)]
pub struct Frame {
    raw: RawFrame,
    /// The same decoded, when the bytes of its inputs are wanted.
    again: OnceCell<v1::Frame>,
    placed: Vec<Placed>,
    piece: Piece,
    /// Catalog changes.
    pub(super) markers: Vec<v1::CatalogMarker>,
    /// What cannot be handled.
    pub(super) dead: Vec<DeadLetter>,
    /// Inputs among those that were begun too often, and their places in the frame.
    pub(super) buried: Vec<(u32, Arrival)>,
    /// Partitions of which earlier pieces of this frame held inputs: their cursors go past it, too.
    pub(super) begun: BTreeSet<u32>,
}

/// An input and its place in the frame.
#[derive(Debug)]
struct Placed {
    position: u32,
    arrival: Arrival,
}

/// Which part of the frame it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// All, or all that is left.
    Rest,
    /// The input of this partition at this place.
    One { partition: u32, position: u32 },
}

impl Frame {
    /// Decodes a frame and keeps the inputs of owned partitions that their cursors have not passed.
    pub fn read(raw: &RawFrame, owned: &BTreeMap<u32, Ownership>) -> Self {
        let mut frame = Self {
            raw: raw.clone(),
            again: OnceCell::new(),
            placed: Vec::new(),
            piece: Piece::Rest,
            markers: Vec::new(),
            dead: Vec::new(),
            buried: Vec::new(),
            begun: BTreeSet::new(),
        };
        let decoded = match v1::Frame::decode(raw.payload.clone()) {
            Ok(decoded) => decoded,
            Err(error) => {
                frame.bury_unreadable(0, DeadLetterKind::Frame, &error);
                return frame;
            }
        };
        frame.markers = decoded.markers;
        for (position, input) in (0..).zip(decoded.inputs) {
            let applied = |ownership: &Ownership| ownership.has_applied(raw.seq, position);
            if owned.get(&input.partition).is_none_or(applied) {
                continue;
            }
            match Arrival::read(input) {
                Ok(arrival) => frame.placed.push(Placed { position, arrival }),
                Err(error) => frame.bury_unreadable(position, DeadLetterKind::Input, &error),
            }
        }
        frame
    }

    /// Its place in the stream.
    pub fn seq(&self) -> u64 {
        self.raw.seq
    }

    /// The inputs that are to be handled.
    pub fn arrivals(&self) -> impl Iterator<Item = &Arrival> + Clone {
        self.placed.iter().map(|placed| &placed.arrival)
    }

    /// One of them.
    pub fn arrival(&self, number: usize) -> Option<&Arrival> {
        Some(&self.placed.get(number)?.arrival)
    }

    /// The place and the bytes of one of them.
    pub fn encoded(&self, number: usize) -> Option<(u32, Vec<u8>)> {
        let position = self.placed.get(number)?.position;
        Some((position, self.payload_of(position)))
    }

    /// How many inputs are to be handled.
    pub fn inputs(&self) -> usize {
        self.placed.len()
    }

    /// Whether it has to handle inputs of one of these.
    pub fn concerns(&self, partitions: &BTreeSet<u32>) -> bool {
        self.arrivals().any(|arrival| partitions.contains(&arrival.partition))
    }

    /// Where the cursor of its partitions stands when it is handled: the last whole frame, and inputs of the next.
    pub fn applied(&self) -> (u64, u32) {
        match self.piece {
            Piece::Rest => (self.raw.seq, 0),
            Piece::One { position, .. } => (self.raw.seq - 1, position + 1),
        }
    }

    /// The partition and the place of the only input that this piece is about.
    pub fn alone(&self) -> Option<(u32, u32)> {
        match self.piece {
            Piece::Rest => None,
            Piece::One { partition, position } => Some((partition, position)),
        }
    }

    /// Takes it apart: each input of a suspect partition alone, then the rest.
    pub fn take_apart(self, suspects: &BTreeSet<u32>) -> Vec<Self> {
        let mut markers = self.markers;
        let mut begun = self.begun;
        let (alone, rest): (Vec<Placed>, Vec<Placed>) =
            self.placed.into_iter().partition(|placed| suspects.contains(&placed.arrival.partition));
        let piece = |placed: Vec<Placed>, piece: Piece, markers: Vec<v1::CatalogMarker>| Self {
            raw: self.raw.clone(),
            again: OnceCell::new(),
            placed,
            piece,
            markers,
            dead: Vec::new(),
            buried: Vec::new(),
            begun: BTreeSet::new(),
        };
        let mut pieces = Vec::with_capacity(alone.len() + 1);
        for placed in alone {
            let (partition, position) = (placed.arrival.partition, placed.position);
            begun.insert(partition);
            // What the catalog says counts before the frame's first input.
            let markers = std::mem::take(&mut markers);
            pieces.push(piece(vec![placed], Piece::One { partition, position }, markers));
        }
        pieces.push(Self { dead: self.dead, begun, ..piece(rest, Piece::Rest, markers) });
        pieces
    }

    /// Gives its inputs up instead of handling them.
    pub fn bury(&mut self, attempts: u32, error: &str) {
        for Placed { position, arrival } in std::mem::take(&mut self.placed) {
            tracing::error!(
                seq = self.seq(), position, conversation = %arrival.conversation, attempts, error,
                "an input that failed too often goes to the dead letters"
            );
            let kind = match arrival.what {
                What::Message { .. } => DeadLetterKind::Message,
                What::Start { .. } => DeadLetterKind::Start,
                What::Timer { .. } => DeadLetterKind::Timer,
                What::Result { .. } => DeadLetterKind::Result,
                What::Command(_) => DeadLetterKind::Command,
            };
            self.dead.push(DeadLetter {
                seq: self.seq(),
                position,
                kind,
                payload: self.payload_of(position),
                error: error.to_owned(),
                attempts,
                input: Some(arrival.dead()),
            });
            self.buried.push((position, arrival));
        }
    }

    fn bury_unreadable(&mut self, position: u32, kind: DeadLetterKind, error: &dyn std::error::Error) {
        tracing::error!(seq = self.seq(), position, %error, "an input that cannot be read goes to the dead letters");
        let payload = match kind {
            DeadLetterKind::Frame => self.raw.payload.to_vec(),
            DeadLetterKind::Unspecified
            | DeadLetterKind::Input
            | DeadLetterKind::Message
            | DeadLetterKind::Start
            | DeadLetterKind::Timer
            | DeadLetterKind::Result
            | DeadLetterKind::Command => self.payload_of(position),
        };
        let error = error.to_string();
        self.dead.push(DeadLetter {
            seq: self.seq(),
            position,
            kind,
            payload,
            error,
            attempts: 1,
            input: None,
        });
    }

    /// The bytes of one input. The frame is taken apart once more for the first of them, since of most frames none is wanted.
    fn payload_of(&self, position: u32) -> Vec<u8> {
        let frame =
            self.again.get_or_init(|| v1::Frame::decode(self.raw.payload.clone()).unwrap_or_default());
        frame.inputs.get(position as usize).map(Message::encode_to_vec).unwrap_or_default()
    }
}
