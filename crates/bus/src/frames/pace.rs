//! When the next frame begins.
//!
//! Each frame costs a sync, an acknowledgement and a wake-up of everyone who reads it, however little is in it. So while
//! frames are shared a writer is at work for a third of the time at most, and gathers in between. Where a frame takes half a
//! millisecond, nobody waits for more than one; where it takes long, since the machine has much to do, frames become fewer and
//! larger. Where several come at a time, but not so many that each frame holds enough without, twice as far apart saves a fifth
//! of the whole product's work, which is what they would wait for instead. Who always comes alone is sent at once.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// A frame begins so many times as long after the one before as that took.
const APART: u32 = 3;
/// But not later than this: a disk that was slow once is no reason to wait.
const APART_MAX: Duration = Duration::from_millis(4);
/// The same of both where several come.
const APART_OF_SEVERAL: u32 = 6;
const APART_OF_SEVERAL_MAX: Duration = Duration::from_millis(8);
/// So many within that time are several. Fewer would wait for nobody; of more there are enough in half the time.
const SEVERAL: Range<u32> = 6..16;
/// Frames are shared when so many of the last ones held several inputs.
const SHARED_ENOUGH: usize = 2;
/// Frames that are looked back on.
const LAST: usize = 16;

/// The pace of one writer.
#[derive(Debug)]
pub(super) struct Pace {
    /// Each frame gathers for so long after its first input.
    within: Duration,
    /// A frame that follows shared ones begins then at the soonest; none before the first.
    next: Option<Instant>,
    /// The last frames: when they began, and how many inputs they held.
    last: VecDeque<(Instant, u32)>,
}

impl Pace {
    /// Each frame holds what comes within this time after its first input, or longer.
    pub fn gathering(within: Duration) -> Self {
        Self { within, next: None, last: VecDeque::with_capacity(LAST) }
    }

    /// Until when the frame of an input that comes now gathers.
    pub fn gathers_until(&self, now: Instant) -> Instant {
        let until = now + self.within;
        match self.next {
            Some(next) if self.are_shared() => until.max(next),
            Some(_) | None => until,
        }
    }

    /// A frame of so many inputs was begun and took so long.
    pub fn sent(&mut self, inputs: usize, begun: Instant, took: Duration) {
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back((begun, u32::try_from(inputs).unwrap_or(u32::MAX)));
        let apart = if self.are_several() {
            APART_OF_SEVERAL_MAX.min(took * APART_OF_SEVERAL)
        } else {
            APART_MAX.min(took * APART)
        };
        self.next = Some(begun + apart);
    }

    /// Whether some of the last frames held several inputs.
    fn are_shared(&self) -> bool {
        self.last.iter().filter(|(_, inputs)| *inputs > 1).count() >= SHARED_ENOUGH
    }

    /// Whether several came at a time between the first of the last frames and the last, however few frames held them.
    fn are_several(&self) -> bool {
        let (Some((first, _)), Some((last, _))) = (self.last.front(), self.last.back()) else { return false };
        let came = self.last.iter().skip(1).fold(0_u32, |sum, (_, inputs)| sum.saturating_add(*inputs));
        let took = last.saturating_duration_since(*first);
        let came = APART_OF_SEVERAL_MAX.saturating_mul(came);
        let Range { start, end } = SEVERAL;
        self.last.len() == LAST && came >= took.saturating_mul(start) && came < took.saturating_mul(end)
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

    /// After as many frames as are looked back on, of so many inputs each and so far apart, the last of which took so long.
    fn steady(inputs: usize, apart: Duration, took: Duration) -> (Pace, Instant) {
        let mut pace = Pace::gathering(Duration::ZERO);
        let mut begun = Instant::now();
        for _ in 0..LAST {
            begun += apart;
            pace.sent(inputs, begun, took);
        }
        (pace, begun)
    }

    #[test]
    fn where_several_come_frames_are_twice_as_far_apart_however_they_came() {
        for (inputs, apart) in [(3, 4 * MS), (7, 4 * MS), (6, 8 * MS), (15, 8 * MS), (256, 200 * MS)] {
            let (pace, begun) = steady(inputs, apart, MS);
            assert_eq!(pace.gathers_until(begun + MS), begun + 6 * MS, "{inputs}");
            let (pace, begun) = steady(inputs, apart, 3 * MS);
            assert_eq!(pace.gathers_until(begun + 3 * MS), begun + APART_OF_SEVERAL_MAX, "{inputs}");
        }
    }

    #[test]
    fn where_fewer_or_more_come_they_are_not() {
        for (inputs, apart) in
            [(2, 4 * MS), (5, 8 * MS), (2, 100 * MS), (8, 4 * MS), (16, 8 * MS), (256, 30 * MS)]
        {
            let (pace, begun) = steady(inputs, apart, MS);
            assert_eq!(pace.gathers_until(begun + MS), begun + 3 * MS, "{inputs}");
            let (pace, begun) = steady(inputs, apart, 3 * MS);
            assert_eq!(pace.gathers_until(begun + 3 * MS), begun + APART_MAX, "{inputs}");
        }
    }

    #[test]
    fn one_that_gathers_waits_for_each_frame() {
        let (pace, begun) = after(&[2, 2], 10 * MS);
        assert_eq!(pace.gathers_until(begun + MS), begun + 11 * MS);
    }
}
