//! A histogram of durations that can be merged and keeps every quantile within a bounded relative error.
//!
//! Log-linear bins as in `HdrHistogram`: below [`EXACT_BELOW`] each whole number has a bin of its own, above it every
//! power of two is cut into 64 bins of equal width. Only whole numbers are used, so that the same values give the
//! same bytes on every machine, and merging is adding: commutative and associative.

use std::collections::BTreeMap;

/// Values below this are kept exactly.
pub const EXACT_BELOW: u64 = 128;
/// Bins between one power of two and the next: a quantile is off by at most 1/128 of its value.
const BINS_PER_OCTAVE: u64 = 64;
/// log2 of [`EXACT_BELOW`].
const EXACT_BITS: u32 = 7;

/// Counts of values by bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    bins: BTreeMap<u32, u64>,
}

/// Stored bytes are not a sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a sketch")]
pub struct NotASketch;

impl Sketch {
    /// Counts a value; a negative one counts as 0.
    pub fn add(&mut self, value: i64) {
        let bin = bin_of(u64::try_from(value).unwrap_or(0));
        *self.bins.entry(bin).or_default() += 1;
    }

    /// Counts everything that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.bins {
            let sum = self.bins.entry(*bin).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// The smallest value that at least `percent` of all values do not exceed (nearest rank), exact below
    /// [`EXACT_BELOW`], else off by at most 1/128. None when nothing was counted. `percent` above 100 counts as 100.
    #[must_use]
    pub fn quantile(&self, percent: u32) -> Option<i64> {
        let total: u128 = self.bins.values().copied().map(u128::from).sum();
        let rank = (total * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0_u128;
        for (bin, count) in &self.bins {
            seen += u128::from(*count);
            if seen >= rank {
                return Some(i64::try_from(value_of(*bin)).unwrap_or(i64::MAX));
            }
        }
        None
    }

    /// As it is stored: for each bin that has values, in order, the distance to the bin before and the count, both as
    /// LEB128.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bins.len() * 3);
        let mut before = 0;
        for (bin, count) in &self.bins {
            write_number(&mut bytes, u64::from(bin - before));
            write_number(&mut bytes, *count);
            before = *bin;
        }
        bytes
    }

    /// Reads what [`Sketch::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, NotASketch> {
        let mut bins = BTreeMap::new();
        let mut bin = 0_u32;
        while !bytes.is_empty() {
            let step = u32::try_from(read_number(&mut bytes)?).map_err(|_| NotASketch)?;
            if step == 0 && !bins.is_empty() {
                return Err(NotASketch);
            }
            bin = bin.checked_add(step).filter(|bin| *bin <= bin_of(u64::MAX)).ok_or(NotASketch)?;
            bins.insert(bin, read_number(&mut bytes)?);
        }
        Ok(Self { bins })
    }
}

fn bin_of(value: u64) -> u32 {
    let bin = if value < EXACT_BELOW {
        value
    } else {
        let octave = value.ilog2() - EXACT_BITS;
        let within = (value >> (octave + 1)) - BINS_PER_OCTAVE;
        EXACT_BELOW + u64::from(octave) * BINS_PER_OCTAVE + within
    };
    u32::try_from(bin).unwrap_or(u32::MAX)
}

/// The middle of a bin.
fn value_of(bin: u32) -> u64 {
    let bin = u64::from(bin);
    let Some(above) = bin.checked_sub(EXACT_BELOW) else { return bin };
    let (octave, within) = (above / BINS_PER_OCTAVE, above % BINS_PER_OCTAVE);
    ((BINS_PER_OCTAVE + within) << (octave + 1)) + ((1 << (octave + 1)) - 1) / 2
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn read_number(bytes: &mut &[u8]) -> Result<u64, NotASketch> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(NotASketch)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(NotASketch)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch_of(values: &[i64]) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            sketch.add(*value);
        }
        sketch
    }

    fn durations() -> impl Strategy<Value = Vec<i64>> {
        proptest::collection::vec(prop_oneof![0_i64..200, 0_i64..100_000, 0_i64..i64::MAX], 1..200)
    }

    proptest! {
        #[test]
        fn a_quantile_is_off_by_less_than_a_hundredth(mut values in durations(), percent in 1_u32..=100) {
            let told = sketch_of(&values).quantile(percent).unwrap();
            values.sort_unstable();
            let rank = (values.len() * percent as usize).div_ceil(100).max(1);
            let exact = values[rank - 1];
            let allowed = if exact < 128 { 0 } else { exact / 128 + 1 };
            prop_assert!((told - exact).abs() <= allowed, "{told} for {exact}");
        }

        #[test]
        fn merging_counts_what_one_would_have_counted(one in durations(), two in durations()) {
            let mut merged = sketch_of(&one);
            merged.merge(&sketch_of(&two));
            prop_assert_eq!(merged, sketch_of(&[one, two].concat()));
        }

        #[test]
        fn stored_ones_are_read_back(values in durations()) {
            let sketch = sketch_of(&values);
            prop_assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
        }

        #[test]
        fn other_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(sketch) = Sketch::from_bytes(&bytes) {
                prop_assert!(sketch.quantile(50).is_none_or(|median| median >= 0));
            }
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Sketch::default().quantile(50), None);
    }
}
