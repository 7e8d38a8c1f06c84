//! How many executions each workflow has: a fifth belongs to the largest, the others share the rest by Zipf's law.

use crate::number::{real, whole};

/// The largest workflow has one execution in so many.
const LARGEST_OF: u64 = 5;

/// The sizes of so many workflows, the largest first; their sum is `all`.
pub(super) fn sizes(all: u64, workflows: u32) -> Vec<u64> {
    let largest = if workflows <= 1 { all } else { all / LARGEST_OF };
    let rest = all - largest;
    let weights: Vec<f64> = (2..=workflows).map(|rank| 1.0 / f64::from(rank)).collect();
    let sum: f64 = weights.iter().sum();
    let (mut sizes, mut passed, mut given) = (vec![largest], 0.0, 0);
    // Sums are rounded and not sizes, so nothing is left over.
    for (place, weight) in weights.iter().enumerate() {
        passed += weight;
        let until = if place + 1 == weights.len() { rest } else { whole(real(rest) * passed / sum) };
        sizes.push(until.saturating_sub(given));
        given = until;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up_exactly() {
        for all in [0, 1, 7, 999, 2000, 10_000, 500_000, 10_000_000, 123_456_789] {
            for workflows in [1, 2, 3, 20, 200, 1000] {
                let sizes = sizes(all, workflows);
                assert_eq!(sizes.len(), workflows as usize);
                assert_eq!(sizes.iter().sum::<u64>(), all, "{all} over {workflows}");
            }
        }
    }

    #[test]
    fn the_largest_has_a_fifth_and_the_smallest_has_some() {
        let sizes = sizes(10_000_000, 200);
        assert_eq!(sizes[0], 2_000_000);
        assert_eq!(sizes.iter().max(), Some(&2_000_000));
        assert!(sizes.iter().min() > Some(&8000), "{sizes:?}");
    }

    #[test]
    fn no_workflow_shrinks_while_all_grow() {
        for (few, many) in [(2000, 20_000), (10_000, 500_000), (10_000, 10_000_000)] {
            assert!(sizes(few, 200).iter().zip(sizes(many, 200)).all(|(few, many)| *few <= many));
        }
    }
}
