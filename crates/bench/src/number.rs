//! Counts as numbers with a fraction, and back.

/// A count for divisions.
#[expect(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^53")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// The whole number below; 0 for what is negative or no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` ends at the bounds, which is wanted"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// A count as an index.
pub(crate) fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A length as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// How many each has; 0 when there is none.
pub(crate) fn each(sum: f64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { sum / real(of) }
}
