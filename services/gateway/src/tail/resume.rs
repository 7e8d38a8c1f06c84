//! Where a tail begins: with the next event, or after a place that an earlier one gave.

use bus::tail::{self, Extent};
use bus::{Bus, Unavailable};

use super::frame::{self, Reason};
use super::place::Place;

/// Messages that are read again when a broker that was killed has forgotten its last ones: what they told was told again,
/// under places that had been read.
pub(super) const REWIND: u64 = 10_000;

/// Where to begin.
#[derive(Debug)]
pub(super) struct Begin {
    /// After this.
    pub place: Place,
    /// What the caller is told first.
    pub said: String,
}

/// Finds it.
pub(super) async fn begin(bus: &Bus, from: Option<Place>) -> Result<Begin, Unavailable> {
    let extent = tail::extent(bus).await?;
    let Some(wanted) = from else { return Ok(opened(Place::end_of(&extent))) };
    if let Some(reason) = gone(&wanted, &extent) {
        let place = Place::beginning_of(&extent);
        let said = frame::opening(&place) + &frame::gap(reason, &place);
        return Ok(Begin { place, said });
    }
    if holds(bus, &wanted, &extent).await? {
        return Ok(opened(wanted));
    }
    let place = rewound(wanted.seq, &extent);
    let told = frame::comment("the broker has forgotten its last events; some are told once more");
    Ok(Begin { place, said: frame::opening(&place) + &told })
}

fn opened(place: Place) -> Begin {
    Begin { place, said: frame::opening(&place) }
}

/// Why what comes after a place is not all there any more.
pub(super) fn gone(place: &Place, extent: &Extent) -> Option<Reason> {
    if place.incarnation != extent.incarnation {
        return Some(Reason::MadeAgain);
    }
    (place.seq.saturating_add(1) < extent.first_seq).then_some(Reason::Expired)
}

/// Whether the message that was told last is still the one at its place.
async fn holds(bus: &Bus, place: &Place, extent: &Extent) -> Result<bool, Unavailable> {
    let told = place.last_told();
    if told > extent.last_seq {
        return Ok(false);
    }
    if place.stamp == 0 || told == 0 {
        return Ok(true);
    }
    // One that was removed has left its place to nobody.
    Ok(tail::stamp_at(bus, told).await?.is_none_or(|stamp| stamp == place.stamp))
}

/// A place so far before another one that nothing was forgotten there.
pub(super) fn rewound(seq: u64, extent: &Extent) -> Place {
    let known = seq.min(extent.last_seq).saturating_add(1);
    let from = known.saturating_sub(REWIND).max(extent.first_seq);
    Place::before(extent.incarnation, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { incarnation: 7, first_seq: 20_000, last_seq: 50_000, last_stamp: 1 };

    fn at(seq: u64) -> Place {
        Place { incarnation: 7, seq, taken: 0, stamp: 0 }
    }

    #[test]
    fn a_place_is_gone_when_something_behind_it_is_or_the_stream_is_another_one() {
        assert_eq!(gone(&at(19_998), &EXTENT), Some(Reason::Expired));
        for seq in [19_999, 20_000, 50_000, u64::MAX] {
            assert_eq!(gone(&at(seq), &EXTENT), None, "{seq}");
        }
        assert_eq!(gone(&Place { incarnation: 8, ..at(30_000) }, &EXTENT), Some(Reason::MadeAgain));
    }

    #[test]
    fn a_rewound_place_is_never_before_the_stream_nor_behind_its_end() {
        for (seq, before) in [(0, 19_999), (25_000, 19_999), (40_000, 30_000), (u64::MAX, 40_000)] {
            assert_eq!(rewound(seq, &EXTENT), at(before), "{seq}");
        }
    }
}
