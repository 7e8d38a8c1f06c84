//! An answer without a model: the sentences of the best passage that speak of what was asked.
//!
//! The confidence says how much of the question the passage covers, words that the base never says counted in full: a
//! question about something else is below 0.5 even when its common words are found.

use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{ANSWER_CHARS_MAX, ANSWER_SENTENCES_MAX};
use crate::rank::Term;
use crate::sentences;

/// Below this confidence an answer is a guess, unless its user says otherwise.
pub const CONFIDENCE_THRESHOLD: f64 = 0.5;
/// Letters by which a word may be longer than its stem.
const ENDING_LETTERS_MAX: usize = 5;
/// The coverage that gives a confidence of one half.
const COVERAGE_MIDDLE: f64 = 0.45;
/// How steeply confidence grows with coverage.
const STEEPNESS: f64 = 8.0;
/// The part of the question that one more sentence must speak of to be worth reading.
const SENTENCE_COST: f64 = 0.1;
/// The similarity of meaning that is none, and the one that is full: embeddings of unlike texts are not orthogonal.
const SIMILARITY_SPAN: (f64, f64) = (0.25, 0.75);

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// What was searched for.
    pub terms: Vec<Term>,
    /// The best first.
    pub passages: Vec<FoundPassage>,
}

/// A passage that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundPassage {
    /// The caller's own id of its document.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// The headings that it stands under.
    pub headings: Vec<String>,
    /// Its number in the document, from 0.
    pub position: u32,
    /// What it says.
    pub text: String,
    /// The larger the better, comparable within one search only.
    pub score: f64,
    /// The part of the question that it speaks of, in 0..=1.
    pub coverage: f64,
    /// How near its meaning is, in -1..=1, where meanings are compared.
    pub similarity: Option<f64>,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The document.
    pub document: String,
    /// Its title.
    pub title: String,
    /// The headings, joined.
    pub heading: String,
    /// The passage's number in the document, from 0.
    pub position: u32,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Extract {
    /// Sentences of the base, word for word; empty when nothing was found.
    pub text: String,
    /// How surely it answers what was asked, in 0..=1.
    pub confidence: f64,
    /// Where it comes from, the best first.
    pub sources: Vec<Source>,
}

/// Takes the answer from what was found.
#[must_use]
pub fn extract(found: &Found) -> Extract {
    let Some(best) = found.passages.first() else {
        return Extract { text: String::new(), confidence: 0.0, sources: Vec::new() };
    };
    let sentences: Vec<&str> = sentences::of_lines(&best.text).collect();
    let text = fitting(&sentences, &found.terms);
    Extract { text, confidence: confidence(best), sources: vec![source(best)] }
}

/// Where a passage stands.
#[must_use]
pub fn source(passage: &FoundPassage) -> Source {
    Source {
        document: passage.document.clone(),
        title: passage.title.clone(),
        heading: passage.headings.join(" > "),
        position: passage.position,
    }
}

/// How surely a passage answers, in 0..=1.
#[must_use]
pub fn confidence(passage: &FoundPassage) -> f64 {
    let coverage = passage.coverage.clamp(0.0, 1.0);
    let by_words = if coverage > 0.0 { logistic(coverage) } else { 0.0 };
    let Some(similarity) = passage.similarity else { return by_words };
    let (none, full) = SIMILARITY_SPAN;
    let by_meaning = logistic(((similarity - none) / (full - none)).clamp(0.0, 1.0));
    by_words.max(by_meaning)
}

fn logistic(coverage: f64) -> f64 {
    1.0 / (1.0 + (-STEEPNESS * (coverage - COVERAGE_MIDDLE)).exp())
}

/// The run of sentences that says most of the terms, and not more than it needs for that.
fn fitting(sentences: &[&str], terms: &[Term]) -> String {
    let cost = SENTENCE_COST * terms.iter().map(|term| term.weight).sum::<f64>();
    let said: Vec<Vec<bool>> = sentences.iter().map(|sentence| says(sentence, terms)).collect();
    let mut best: Option<(f64, usize, usize)> = None;
    for from in 0..sentences.len() {
        let mut covered = vec![false; terms.len()];
        let mut chars = 0;
        for (length, (sentence, said)) in
            sentences.iter().zip(&said).skip(from).take(ANSWER_SENTENCES_MAX).enumerate()
        {
            chars += sentence.chars().count();
            if length > 0 && chars > ANSWER_CHARS_MAX {
                break;
            }
            covered.iter_mut().zip(said).for_each(|(covered, said)| *covered |= said);
            let spoken_of: f64 = terms
                .iter()
                .zip(&covered)
                .filter(|(_, covered)| **covered)
                .map(|(term, _)| term.weight)
                .sum();
            if spoken_of <= 0.0 {
                continue;
            }
            let value = f64::from(u8::try_from(length).unwrap_or(u8::MAX)).mul_add(-cost, spoken_of);
            if best.is_none_or(|(most, _, _)| value > most + f64::EPSILON) {
                best = Some((value, from, from + length + 1));
            }
        }
    }
    // When only the heading says what was asked about, the passage's beginning is what explains it.
    let (_, from, to) = best.unwrap_or((0.0, 0, ANSWER_SENTENCES_MAX.min(sentences.len())));
    let text = sentences.get(from..to).unwrap_or_default().join(" ");
    text.chars()
        .take(ANSWER_CHARS_MAX.max(sentences.get(from).map_or(0, |first| first.chars().count())))
        .collect()
}

/// Which of the terms a sentence has.
fn says(sentence: &str, terms: &[Term]) -> Vec<bool> {
    let words: Vec<String> =
        sentence.unicode_words().flat_map(|word| word.split(['_', '.'])).map(str::to_lowercase).collect();
    terms.iter().map(|term| words.iter().any(|word| is_form(word, &term.lexeme))).collect()
}

/// Whether a word may have this stem: stems are beginnings of their words, but for a last letter that changes
/// (`query`, `queri`).
fn is_form(word: &str, stem: &str) -> bool {
    let letters = stem.chars().count();
    let same = word.chars().zip(stem.chars()).take_while(|(one, other)| one == other).count();
    let enough = if letters > 3 { same + 1 >= letters } else { same == letters };
    enough && word.chars().count() <= letters + ENDING_LETTERS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(lexeme: &str, weight: f64) -> Term {
        Term { lexeme: lexeme.to_owned(), weight }
    }

    fn passage(text: &str, coverage: f64) -> FoundPassage {
        FoundPassage {
            document: "returns.md".to_owned(),
            title: "Returns".to_owned(),
            headings: vec!["Returns".to_owned(), "Costs".to_owned()],
            position: 3,
            text: text.to_owned(),
            coverage,
            score: 1.0,
            similarity: None,
        }
    }

    #[test]
    fn the_sentences_that_speak_of_the_question_are_the_answer() {
        let text = "We are a small shop.\nParcels can be returned within 30 days. The queries team refunds the price. Bye.";
        let terms = vec![term("return", 2.0), term("day", 1.0), term("refund", 3.0)];
        let answer = extract(&Found { terms, passages: vec![passage(text, 1.0)] });
        assert_eq!(
            answer.text,
            "Parcels can be returned within 30 days. The queries team refunds the price."
        );
        assert!(answer.confidence > 0.9);
        let source = Source {
            document: "returns.md".to_owned(),
            title: "Returns".to_owned(),
            heading: "Returns > Costs".to_owned(),
            position: 3,
        };
        assert_eq!(answer.sources, [source]);
    }

    #[test]
    fn nothing_found_is_no_answer() {
        let answer = extract(&Found::default());
        assert_eq!((answer.text.as_str(), answer.confidence), ("", 0.0));
    }

    #[test]
    fn what_only_the_heading_says_is_explained_by_the_first_sentences() {
        let found = Found {
            terms: vec![term("cost", 1.0)],
            passages: vec![passage("Nothing. We pay. One. Two.", 1.0)],
        };
        assert_eq!(extract(&found).text, "Nothing. We pay. One.");
    }

    #[test]
    fn confidence_grows_with_coverage_and_stays_between_0_and_1() {
        let at = |coverage| confidence(&passage("", coverage));
        assert!(
            at(0.0) < at(0.3)
                && at(0.3) < CONFIDENCE_THRESHOLD
                && CONFIDENCE_THRESHOLD < at(0.7)
                && at(0.7) < at(1.0)
        );
        for coverage in [-1.0, 0.0, 1.0, 7.0] {
            assert!((0.0..=1.0).contains(&at(coverage)), "{coverage}");
        }
        let near = FoundPassage { similarity: Some(0.8), ..passage("", 0.1) };
        assert!(confidence(&near) > 0.9);
    }

    #[test]
    fn words_are_known_by_their_stems() {
        for (word, stem, same) in [
            ("queries", "queri", true),
            ("query", "queri", true),
            ("returned", "return", true),
            ("day", "day", true),
            ("dark", "day", false),
            ("counterproductive", "count", false),
            ("", "day", false),
        ] {
            assert_eq!(is_form(word, stem), same, "{word} {stem}");
        }
    }
}
