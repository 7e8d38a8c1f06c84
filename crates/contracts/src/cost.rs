//! Costs: whole units of a currency where people read them, millionths where they are summed, so that sums stay exact.

/// So many millionths are a unit.
const MICROS: f64 = 1_000_000.0;
/// What one execution costs is far below this.
const COST_MAX: f64 = 1e9;

/// A cost to the nearest millionth; 0 for what is no cost.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it is bounded before")]
pub fn to_micros(cost: f64) -> i64 {
    if cost.is_finite() { (cost.clamp(0.0, COST_MAX) * MICROS).round() as i64 } else { 0 }
}

/// The cost in whole units of the currency. Up to a thousand million of them [`to_micros`] gives the same number back.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "costs are far below 2^53 millionths")]
pub fn from_micros(micros: i64) -> f64 {
    micros as f64 / MICROS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_is_shown_is_read_back_and_is_off_by_half_a_millionth_at_most() {
        for number in 0..100_000_i64 {
            // Spread over all magnitudes up to the bound.
            let micros = number.pow(3) % 1_000_000_000_000_000;
            let shown: f64 = from_micros(micros).to_string().parse().unwrap();
            assert_eq!(to_micros(shown), micros);
            let cost = from_micros(number) / 7.0;
            assert!((from_micros(to_micros(cost)) - cost).abs() <= 0.000_000_500_1, "{cost}");
        }
    }

    #[test]
    fn what_is_no_cost_costs_nothing() {
        for cost in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(to_micros(cost), 0, "{cost}");
        }
        assert_eq!(to_micros(0.000_015), 15);
    }
}
