//! Careful work: after a runner may have died of an input, or the store has refused a batch, inputs are taken one at a
//! time, and each is counted before it is begun, so that one that fails again and again is known and given up.
//!
//! `trusted` –taken over from a dead owner, or a refused batch→ `suspect` –each input counted, then handled and committed
//! alone→ `trusted` again when the cursor is past what the last owner can have had in its hands.
//! An input that was begun [`TRIES_MAX`] times without coming to an end goes to the dead letters.

use std::collections::{BTreeMap, BTreeSet};

use super::Worker;
use crate::partition::frame::Frame;
use crate::partition::port::{Definitions, Store, StoreError, Transport, Unavailable};

/// So often an input is begun.
const TRIES_MAX: u32 = 5;
/// What is said of an input whose end nobody has seen.
const NO_END: &str = "each runner that began it died or lost its partition before it came to an end";

/// Which partitions are worked on with care, and how long.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    partitions: BTreeSet<u32>,
    /// Their last owner cannot have read more than this.
    through_seq: u64,
    /// Nor more inputs at once than these; it may have had a single frame with more.
    inputs_left: usize,
    /// What the store said of the input that is next in a partition.
    refusals: BTreeMap<u32, String>,
    /// The store has refused a batch, so all of its partitions are suspect when they are taken over again.
    all: Option<String>,
    /// The input that was begun last and has not come to an end: partition, frame, place.
    begun: Option<(u32, u64, u32)>,
}

impl Suspicion {
    /// Partitions were taken over, some of them from an owner that may have died of an input.
    pub fn take_over(
        &mut self,
        suspect: &[u32],
        all: impl Iterator<Item = u32>,
        through_seq: u64,
        inputs_max: usize,
    ) {
        let refused = self.all.take();
        let before = self.partitions.len();
        self.partitions.extend(suspect);
        if refused.is_some() {
            self.partitions.extend(all);
        }
        if self.partitions.len() > before {
            tracing::info!(partitions = self.partitions.len(), "inputs are taken one at a time");
        }
        if !suspect.is_empty() || refused.is_some() {
            self.through_seq = through_seq;
            self.inputs_left = inputs_max;
        }
    }

    /// The store has refused what the batch wanted to write.
    pub fn refused(&mut self, reason: String) {
        match self.begun.take() {
            Some((partition, _, _)) => {
                self.refusals.insert(partition, reason);
            }
            None => self.all = Some(reason),
        }
    }

    /// Whether the frame has inputs that are to be handled one at a time. Ends the suspicion when it is past its end.
    pub fn concerns(&mut self, frame: &Frame) -> bool {
        if self.partitions.is_empty() {
            return false;
        }
        if frame.seq() > self.through_seq || self.inputs_left == 0 {
            tracing::info!("inputs are taken together again");
            *self = Self { all: self.all.take(), ..Self::default() };
            return false;
        }
        frame.concerns(&self.partitions)
    }
}

impl<S: Store, T: Transport, D: Definitions> Worker<S, T, D> {
    /// Works on a frame one input at a time. False when that was refused: then nothing is known any more.
    pub(super) async fn work_carefully(&mut self, frame: Frame) -> Result<bool, Unavailable> {
        for mut piece in frame.take_apart(&self.suspicion.partitions) {
            let alone = piece.alone();
            if let Some((partition, position)) = alone {
                let Some(tries) = self.begin(partition, piece.seq(), position).await? else {
                    return Ok(false);
                };
                if tries > TRIES_MAX {
                    let reason = self.suspicion.refusals.remove(&partition);
                    piece.bury(TRIES_MAX, reason.as_deref().unwrap_or(NO_END));
                    metrics::counter!("turnloom_runner_dead_letters_total").increment(1);
                }
            }
            if !self.work(vec![piece]).await? {
                return Ok(false);
            }
            if alone.is_some() {
                self.suspicion.begun = None;
                self.suspicion.inputs_left = self.suspicion.inputs_left.saturating_sub(1);
            }
        }
        Ok(true)
    }

    /// Counts an input before it is begun, and gives how often it has been. None when the partition has another owner.
    async fn begin(&mut self, partition: u32, seq: u64, position: u32) -> Result<Option<u32>, Unavailable> {
        let Some(ownership) = self.owned.get(&partition) else {
            self.forget();
            return Ok(None);
        };
        // A dependency that was away is no failure of the input: what this runner has begun and is alive to begin again is
        // not counted twice.
        let counts = self.suspicion.begun != Some((partition, seq, position));
        self.suspicion.begun = Some((partition, seq, position));
        match self.store.begin(ownership, counts).await {
            Ok(tries) => Ok(Some(tries)),
            Err(StoreError::Unavailable(error)) => Err(error),
            Err(StoreError::Fenced | StoreError::Refused(_)) => {
                self.forget();
                Ok(None)
            }
        }
    }
}
