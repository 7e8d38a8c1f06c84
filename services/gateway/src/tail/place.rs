//! A place in the stream of events that a tail can go on from: what is told is before it, what is not is behind it.

use std::fmt;
use std::str::FromStr;

use bus::tail::Extent;

/// Characters of a place in writing.
pub(crate) const PLACE_CHARS_MAX: usize = 64;

/// After all events of the messages up to one, and after some events of the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Of which stream; one that is made again is another one.
    pub incarnation: i64,
    /// The last message that is told to its end.
    pub seq: u64,
    /// So many events of the message behind that are told, too.
    pub taken: u32,
    /// The stamp of the message that was told last, to its end or not; 0 when it is not known.
    pub stamp: u32,
}

/// It is no place that a tail gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no place of a tail")]
pub(crate) struct NoPlace;

impl Place {
    /// After all that a stream has now.
    pub fn end_of(extent: &Extent) -> Self {
        Self {
            incarnation: extent.incarnation,
            seq: extent.last_seq,
            taken: 0,
            stamp: if extent.last_seq == 0 { 0 } else { extent.last_stamp },
        }
    }

    /// Before the oldest that a stream still has.
    pub fn beginning_of(extent: &Extent) -> Self {
        Self::before(extent.incarnation, extent.first_seq)
    }

    /// Before a message.
    pub fn before(incarnation: i64, seq: u64) -> Self {
        Self { incarnation, seq: seq.saturating_sub(1), taken: 0, stamp: 0 }
    }

    /// The message that was told last, to its end or not.
    pub fn last_told(&self) -> u64 {
        self.seq.saturating_add(u64::from(self.taken > 0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}-{:x}", self.incarnation, self.seq, self.taken, self.stamp)
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.split('-');
        let mut number = || {
            let digits = parts.next().unwrap_or_default();
            let plain = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            u64::from_str_radix(digits, 16).ok().filter(|_| plain && !digits.is_empty()).ok_or(NoPlace)
        };
        let place = Self {
            incarnation: i64::try_from(number()?).map_err(|_| NoPlace)?,
            seq: number()?,
            taken: u32::try_from(number()?).map_err(|_| NoPlace)?,
            stamp: u32::try_from(number()?).map_err(|_| NoPlace)?,
        };
        if parts.next().is_some() { Err(NoPlace) } else { Ok(place) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_read_back(incarnation in 0..i64::MAX, seq: u64, taken: u32, stamp: u32) {
            let place = Place { incarnation, seq, taken, stamp };
            let written = place.to_string();
            prop_assert!(written.len() <= PLACE_CHARS_MAX);
            prop_assert_eq!(written.parse(), Ok(place));
        }

        #[test]
        fn whatever_is_given_as_a_place_is_read_without_a_panic(text in ".*") {
            if let Ok(place) = text.parse::<Place>() {
                prop_assert!(place.last_told() >= place.seq);
            }
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "-",
            "1",
            "1-2-3",
            "1-2-3-4-5",
            "1-2-3-",
            "-1-2-3-4",
            "1-2-3-+4",
            "1-2-3-g",
            "A-2-3-4",
            "1-2-3-100000000",
            "1-10000000000000000-3-4",
            "8000000000000000-1-1-1",
            " 1-2-3-4",
        ] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_stream_without_messages_is_before_its_first_one() {
        let empty = Extent { incarnation: 7, first_seq: 0, last_seq: 0, last_stamp: 9 };
        assert_eq!(Place::end_of(&empty), Place::beginning_of(&empty));
    }
}
