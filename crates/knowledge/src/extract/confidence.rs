//! How surely a passage answers a question.
//!
//! By its words: how much of the question it speaks of, words that the base never says counted in full, and how much of that
//! it says in one place, since a passage that has all the words here and there often speaks of something else. A question
//! about something else is below one half even when its common words are found. By its meaning, where meanings are compared.

use super::FoundPassage;
use super::piece;
use crate::rank::Term;

/// What gives a confidence of one half: measured with 96 questions of three bases, a third of which they do not answer.
const MIDDLE: f64 = 0.36;
/// How steeply confidence grows around that.
const STEEPNESS: f64 = 8.0;
/// The similarity of meaning that is none, and the one that is full: embeddings of unlike texts are not orthogonal.
const SIMILARITY_SPAN: (f64, f64) = (0.25, 0.75);
/// The part of the similarity between them that gives a confidence of one half.
const SIMILARITY_MIDDLE: f64 = 0.45;

/// How surely a passage answers a question of these terms, in 0..=1.
#[must_use]
pub fn confidence(terms: &[Term], passage: &FoundPassage) -> f64 {
    let coverage = passage.coverage.clamp(0.0, 1.0);
    let together = together(terms, passage).map_or(coverage, |together| together.min(coverage));
    let by_words = if coverage > 0.0 { logistic(f64::midpoint(coverage, together), MIDDLE) } else { 0.0 };
    let Some(similarity) = passage.similarity else { return by_words };
    let (none, full) = SIMILARITY_SPAN;
    let by_meaning = logistic(((similarity - none) / (full - none)).clamp(0.0, 1.0), SIMILARITY_MIDDLE);
    by_words.max(by_meaning)
}

/// The part of the question that one sentence, row or line of code speaks of under its headings; none without a question.
fn together(terms: &[Term], passage: &FoundPassage) -> Option<f64> {
    let all: f64 = terms.iter().map(|term| term.weight).sum();
    if all <= 0.0 {
        return None;
    }
    let above = piece::says(&format!("{} {}", passage.title, passage.headings.join(" ")), terms);
    let mut most = piece::weight(terms, &above);
    for statement in piece::statements(&passage.text) {
        let mut says = piece::says(&statement, terms);
        says.iter_mut().zip(&above).for_each(|(says, above)| *says |= above);
        most = most.max(piece::weight(terms, &says));
    }
    Some(most / all)
}

fn logistic(part: f64, middle: f64) -> f64 {
    1.0 / (1.0 + (-STEEPNESS * (part - middle)).exp())
}

#[cfg(test)]
mod tests {
    use super::super::CONFIDENCE_THRESHOLD;
    use super::*;

    fn passage(text: &str, coverage: f64) -> FoundPassage {
        FoundPassage { text: text.to_owned(), coverage, ..FoundPassage::default() }
    }

    #[test]
    fn it_grows_with_coverage_and_stays_between_0_and_1() {
        let at = |coverage| confidence(&[], &passage("", coverage));
        assert!(at(0.0) < at(0.3) && at(0.3) < CONFIDENCE_THRESHOLD);
        assert!(CONFIDENCE_THRESHOLD < at(0.5) && at(0.5) < at(1.0));
        for coverage in [-1.0, 0.0, 1.0, 7.0] {
            assert!((0.0..=1.0).contains(&at(coverage)), "{coverage}");
        }
        let near = FoundPassage { similarity: Some(0.8), ..passage("", 0.1) };
        assert!(confidence(&[], &near) > 0.9);
    }

    #[test]
    fn what_is_said_in_one_place_is_surer_than_what_is_said_here_and_there() {
        let terms = ["broker", "databas"].map(|lexeme| Term { lexeme: lexeme.to_owned(), weight: 1.0 });
        let at = |text: &str| confidence(&terms, &passage(text, 1.0));
        let here_and_there = at("The broker is away. Nothing is lost. The database is away.");
        assert!(at("It needs a broker and a database.") > here_and_there);
        assert!(at("| broker: NATS | database: PostgreSQL") > here_and_there);
        let under_a_heading =
            FoundPassage { headings: vec!["Databases".to_owned()], ..passage("A broker.", 1.0) };
        assert!(confidence(&terms, &under_a_heading) > here_and_there);
    }
}
