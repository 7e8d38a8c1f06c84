//! When the next frame begins.
//!
//! Each frame costs a sync, an acknowledgement and a wake-up of everyone who reads it, however little is in it. So while
//! frames are shared a writer is at work for a third of the time at most, and gathers in between. Where a frame takes half a
//! millisecond, nobody waits for more than one; where it takes long, since the machine has much to do, frames become fewer and
//! larger. Who always comes alone is sent at once.

use std::time::Duration;

use tokio::time::Instant;

/// A frame begins so many times as long after the one before as that took.
const APART: u32 = 3;
/// But not later than this: a disk that was slow once is no reason to wait.
const APART_MAX: Duration = Duration::from_millis(4);
/// Frames are shared when so many of the last sixteen held several inputs.
const SHARED_ENOUGH: u32 = 2;

/// The pace of one writer.
#[derive(Debug)]
pub(super) struct Pace {
    /// Each frame gathers for so long after its first input.
    within: Duration,
    /// A frame that follows shared ones begins then at the soonest; none before the first.
    next: Option<Instant>,
    /// Whether the last frames held several inputs, a bit for each; the lowest is the last.
    shared: u16,
}

impl Pace {
    /// Each frame holds what comes within this time after its first input, or longer.
    pub fn gathering(within: Duration) -> Self {
        Self { within, next: None, shared: 0 }
    }

    /// Until when the frame of an input that comes now gathers.
    pub fn gathers_until(&self, now: Instant) -> Instant {
        let until = now + self.within;
        match self.next {
            Some(next) if self.shared.count_ones() >= SHARED_ENOUGH => until.max(next),
            Some(_) | None => until,
        }
    }

    /// A frame of so many inputs was begun and took so long.
    pub fn sent(&mut self, inputs: usize, begun: Instant, took: Duration) {
        self.shared = self.shared << 1 | u16::from(inputs > 1);
        self.next = Some(begun + APART_MAX.min(took * APART));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// After frames of so many inputs, each begun at the moment that is given, too, and done a millisecond later.
    fn after(frames: &[usize], within: Duration) -> (Pace, Instant) {
        let begun = Instant::now();
        let mut pace = Pace::gathering(within);
        for inputs in frames {
            pace.sent(*inputs, begun, MS);
        }
        (pace, begun)
    }

    #[test]
    fn who_always_comes_alone_does_not_wait() {
        for frames in [&[][..], &[1, 1, 1], &[1, 2, 1]] {
            let (pace, begun) = after(frames, Duration::ZERO);
            assert_eq!(pace.gathers_until(begun + MS), begun + MS, "{frames:?}");
        }
    }

    #[test]
    fn shared_frames_are_apart_as_long_as_they_take() {
        let (pace, begun) = after(&[2, 1, 1, 5, 1], Duration::ZERO);
        assert_eq!(pace.gathers_until(begun + MS), begun + 3 * MS);
        let later = begun + 5 * MS;
        assert_eq!(pace.gathers_until(later), later, "who comes later does not wait");
    }

    #[test]
    fn sixteen_who_came_alone_are_sent_at_once_again() {
        let (pace, begun) = after(&[[2; 16], [1; 16]].concat(), Duration::ZERO);
        assert_eq!(pace.gathers_until(begun + MS), begun + MS);
    }

    #[test]
    fn a_frame_that_took_long_does_not_hold_up_the_next() {
        let (mut pace, begun) = after(&[2, 2], Duration::ZERO);
        pace.sent(2, begun, 100 * MS);
        let end = begun + 100 * MS;
        assert_eq!(pace.gathers_until(end), end);
    }

    #[test]
    fn one_that_gathers_waits_for_each_frame() {
        let (pace, begun) = after(&[2, 2], 10 * MS);
        assert_eq!(pace.gathers_until(begun + MS), begun + 11 * MS);
    }
}
