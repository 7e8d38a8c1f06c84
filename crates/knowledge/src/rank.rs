//! Which passages answer best: by their words (BM25), by their meaning, or by both.
//!
//! Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), and Cormack, Clarke and
//! Buettcher, "Reciprocal Rank Fusion outperforms Condorcet" (SIGIR 2009).

/// How fast more of the same word stops to count.
const K1: f64 = 1.2;
/// How much a long passage must have more words to count the same.
const B: f64 = 0.5;
/// Passages that every base is taken to have besides: in one of three passages, too, a word that is there must not weigh
/// next to nothing beside one that is not.
const BACKGROUND_PASSAGES: f64 = 50.0;
/// Damps the first ranks when two orders are fused; the value of the paper.
const FUSION_K: f64 = 60.0;

/// A word of the question, as its language's search knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Its stem.
    pub lexeme: String,
    /// How much it says: the rarer in the base, the more. Not negative.
    pub weight: f64,
}

/// What a passage has of the terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// How often it has each, in the order of the terms.
    pub counts: Vec<u32>,
    /// Its length in words.
    pub words: u32,
}

/// How a passage fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The larger the better, comparable within one search only.
    pub score: f64,
    /// The part of the question that it speaks of, by the weights of the terms, in 0..=1.
    pub coverage: f64,
}

/// How much a term says that so many of all passages have.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a base has some ten thousand passages")]
pub fn weight(having: u64, all: u64) -> f64 {
    let (having, all) = (having.min(all) as f64, all as f64 + BACKGROUND_PASSAGES);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

/// How a passage fits the terms; `words_mean` is the mean length of the base's passages.
#[must_use]
pub fn fit(terms: &[Term], passage: &Counted, words_mean: f64) -> Fit {
    let length = 1.0 - B + B * f64::from(passage.words) / words_mean.max(1.0);
    let (mut score, mut covered, mut all) = (0.0, 0.0, 0.0);
    for (term, count) in terms.iter().zip(&passage.counts) {
        all += term.weight;
        if *count > 0 {
            let count = f64::from(*count);
            covered += term.weight;
            score += term.weight * count * (K1 + 1.0) / (count + K1 * length);
        }
    }
    let coverage = if all > 0.0 { covered / all } else { 0.0 };
    // One that speaks of all of the question is better than one that says one of its words again and again.
    Fit { score: score * (0.5 + 0.5 * coverage), coverage }
}

/// One order from several: each gives a place so much the more the nearer to its front it stands there. Places are
/// numbers that name the same thing in every order; the best first.
#[must_use]
pub fn fuse(orders: &[Vec<usize>]) -> Vec<(usize, f64)> {
    let mut fused: Vec<(usize, f64)> = Vec::new();
    for order in orders {
        let mut rank = FUSION_K;
        for item in order {
            rank += 1.0;
            match fused.iter_mut().find(|(known, _)| known == item) {
                Some((_, score)) => *score += 1.0 / rank,
                None => fused.push((*item, 1.0 / rank)),
            }
        }
    }
    fused.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(one.cmp(other)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Vec<Term> {
        [("refund", weight(2, 100)), ("order", weight(5, 100))]
            .map(|(lexeme, weight)| Term { lexeme: lexeme.to_owned(), weight })
            .to_vec()
    }

    fn fits(counts: [u32; 2], words: u32) -> Fit {
        fit(&terms(), &Counted { counts: counts.to_vec(), words }, 50.0)
    }

    #[test]
    fn rare_words_say_more() {
        assert!(weight(1, 100) > weight(10, 100) && weight(10, 100) > weight(99, 100));
        assert!(weight(100, 100) > 0.0 && weight(7, 0) > 0.0);
        assert!(fits([1, 0], 50).score > fits([0, 1], 50).score);
    }

    #[test]
    fn a_passage_that_speaks_of_everything_is_better() {
        assert!(fits([1, 1], 50).score > fits([5, 0], 50).score);
        assert!(fits([1, 1], 20).score > fits([1, 1], 200).score);
        assert!((fits([1, 1], 50).coverage - 1.0).abs() < 1e-9);
        assert_eq!(fits([0, 0], 50), Fit { score: 0.0, coverage: 0.0 });
    }

    #[test]
    fn what_stands_high_in_both_orders_is_first() {
        let fused = fuse(&[vec![3, 1, 2], vec![1, 4]]);
        let order: Vec<usize> = fused.iter().map(|(item, _)| *item).collect();
        assert_eq!(order, [1, 3, 4, 2]);
        assert!(fuse(&[]).is_empty());
    }
}
