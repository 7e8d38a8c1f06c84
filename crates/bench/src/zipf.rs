//! Zipf's law: the n-th most popular is chosen with a probability in proportion to 1/n.
//!
//! By a table of sums and a search in it: exact, and quick enough for tens of thousands.

use rand::{Rng, RngExt};

use crate::number::count;

/// How often each of so many is chosen.
#[derive(Debug, Clone)]
pub struct Zipf {
    /// For each, the probability that it or one before it is chosen.
    sums: Vec<f64>,
}

impl Zipf {
    /// Choices among so many, at least one.
    #[must_use]
    pub fn new(many: u32) -> Self {
        let weights = (1..=many.max(1)).map(|rank| 1.0 / f64::from(rank));
        let mut sums: Vec<f64> = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let all = sums.last().copied().unwrap_or(1.0);
        for sum in &mut sums {
            *sum /= all;
        }
        Self { sums }
    }

    /// One of them, from 0; the first is the most popular.
    pub fn choose(&self, rng: &mut impl Rng) -> u64 {
        self.at(rng.random())
    }

    /// The one at this place between 0 and 1.
    fn at(&self, place: f64) -> u64 {
        let found = self.sums.partition_point(|sum| *sum <= place);
        count(found.min(self.sums.len().saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn every_place_belongs_to_one_of_them() {
        let zipf = Zipf::new(3);
        // 1, 1/2 and 1/3 of 11/6.
        assert_eq!(zipf.at(0.0), 0);
        assert_eq!(zipf.at(0.54), 0);
        assert_eq!(zipf.at(0.55), 1);
        assert_eq!(zipf.at(0.81), 1);
        assert_eq!(zipf.at(0.82), 2);
        assert_eq!(zipf.at(1.0), 2);
        assert_eq!(Zipf::new(0).at(0.5), 0);
    }

    #[test]
    fn the_first_is_chosen_as_often_as_the_law_says() {
        let zipf = Zipf::new(200);
        let mut rng = StdRng::seed_from_u64(7);
        let mut counts = [0_u32; 200];
        for _ in 0..100_000 {
            counts[usize::try_from(zipf.choose(&mut rng)).unwrap()] += 1;
        }
        let all: f64 = (1..=200).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1_u32, 2, 10] {
            let share = f64::from(counts[rank as usize - 1]) / 100_000.0;
            assert!((share - 1.0 / f64::from(rank) / all).abs() < 0.005, "{rank}: {share}");
        }
    }
}
