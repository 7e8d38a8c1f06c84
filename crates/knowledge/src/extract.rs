//! An answer without a model: the sentences of the best passage that speak of what was asked.
//!
//! What a passage says in a table is told row by row with the names of the columns, and what it says in code with the sentence
//! before it.

mod confidence;
mod piece;

use std::ops::Range;

pub use self::confidence::confidence;
use self::piece::{Form, Piece};
use crate::limits::{ANSWER_CHARS_MAX, ANSWER_PIECES_MAX};
use crate::rank::Term;

/// Below this confidence an answer is a guess, unless its user says otherwise.
pub const CONFIDENCE_THRESHOLD: f64 = 0.5;
/// The part of the question that one more piece must speak of to be worth reading.
const PIECE_COST: f64 = 0.1;

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

/// Takes the answer from what was found: from the passage that answers most surely, of equals the best found.
#[must_use]
pub fn extract(found: &Found) -> Extract {
    let mut best: Option<(f64, &FoundPassage)> = None;
    for passage in &found.passages {
        let confidence = confidence(&found.terms, passage);
        if best.is_none_or(|(most, _)| confidence > most + f64::EPSILON) {
            best = Some((confidence, passage));
        }
    }
    let Some((confidence, passage)) = best else {
        return Extract { text: String::new(), confidence: 0.0, sources: Vec::new() };
    };
    let pieces = piece::of(&passage.text, &found.terms);
    Extract { text: fitting(&pieces, &found.terms), confidence, sources: vec![source(passage)] }
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

/// The run of pieces that says most of the terms, and not more than it needs for that.
fn fitting(pieces: &[Piece], terms: &[Term]) -> String {
    let cost = PIECE_COST * terms.iter().map(|term| term.weight).sum::<f64>();
    let mut best: Option<(f64, Range<usize>)> = None;
    for from in 0..pieces.len() {
        let mut covered = vec![false; terms.len()];
        let mut chars = 0;
        for (more, piece) in pieces.iter().skip(from).take(ANSWER_PIECES_MAX).enumerate() {
            chars += piece.text.chars().count();
            if more > 0 && chars > ANSWER_CHARS_MAX {
                break;
            }
            covered.iter_mut().zip(&piece.says).for_each(|(covered, says)| *covered |= says);
            let spoken_of = piece::weight(terms, &covered);
            let value = f64::from(u8::try_from(more).unwrap_or(u8::MAX)).mul_add(-cost, spoken_of);
            if spoken_of > 0.0 && best.as_ref().is_none_or(|(most, _)| value > most + f64::EPSILON) {
                best = Some((value, from..from + more + 1));
            }
        }
    }
    // When only the heading says what was asked about, the passage's beginning is what explains it.
    let run = best.map_or(0..ANSWER_PIECES_MAX.min(pieces.len()), |(_, run)| understandable(run, pieces));
    told(pieces.get(run).unwrap_or_default())
}

/// With the sentence that says what a block of code is for, and with what a sentence that ends in a colon announces.
fn understandable(mut run: Range<usize>, pieces: &[Piece]) -> Range<usize> {
    let form = |number: usize| pieces.get(number).map(|piece| piece.form);
    if form(run.start) == Some(Form::Code) && run.start.checked_sub(1).and_then(form) == Some(Form::Sentence)
    {
        run.start -= 1;
    }
    let announces = |number: usize| pieces.get(number).is_some_and(|piece| piece.text.ends_with(':'));
    if run.end.checked_sub(1).is_some_and(announces) && run.end < pieces.len() {
        run.end += 1;
    }
    run
}

/// Sentences one after the other; rows and code on lines of their own.
fn told(pieces: &[Piece]) -> String {
    let mut text = String::new();
    let mut before = None;
    for piece in pieces {
        if let Some(before) = before {
            let in_a_line = before == Form::Sentence && piece.form == Form::Sentence;
            text.push(if in_a_line { ' ' } else { '\n' });
        }
        text.push_str(&piece.text);
        before = Some(piece.form);
    }
    let chars_max = ANSWER_CHARS_MAX.max(pieces.first().map_or(0, |first| first.text.chars().count()));
    text.chars().take(chars_max).collect()
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
    fn the_passage_that_says_it_in_one_place_is_taken() {
        let mut scattered = passage("We own shops. We have accounts. Keys are cut here.", 1.0);
        scattered.document = "shops.md".to_owned();
        let terms = vec![term("own", 1.0), term("account", 1.0), term("key", 1.0)];
        let together = passage("Nothing. The gateway owns accounts and keys.", 1.0);
        let answer = extract(&Found { terms, passages: vec![scattered, together] });
        assert_eq!(answer.text, "The gateway owns accounts and keys.");
        assert_eq!(answer.sources[0].document, "returns.md");
    }

    #[test]
    fn the_fitting_rows_of_a_table_are_told_with_the_names_of_their_columns() {
        let text = "We send parcels.\n| Country: Germany | Parcel: 4.90 EUR\n| Country: Austria | Parcel: 9.90 EUR\n\
                    | Country: Italy | Parcel: 12 EUR";
        let found = |terms: &[&str]| Found {
            terms: terms.iter().map(|lexeme| term(lexeme, 1.0)).collect(),
            passages: vec![passage(text, 1.0)],
        };
        assert_eq!(extract(&found(&["austria", "price"])).text, "Country: Austria; Parcel: 9.90 EUR");
        let both = "Country: Germany; Parcel: 4.90 EUR\nCountry: Italy; Parcel: 12 EUR";
        assert_eq!(extract(&found(&["itali", "germani"])).text, both);
    }

    #[test]
    fn code_is_told_with_the_sentence_that_says_what_it_is_for() {
        let text = "Anything else.\nTo see its state, ask the battery:\n    bike battery --status\n    bike light --on\nThe end.";
        let found =
            |lexeme: &str| Found { terms: vec![term(lexeme, 1.0)], passages: vec![passage(text, 1.0)] };
        let answer = "To see its state, ask the battery:\nbike light --on";
        assert_eq!(extract(&found("light")).text, answer);
        let all = "To see its state, ask the battery:\nbike battery --status\nbike light --on";
        assert_eq!(extract(&found("see")).text, all);
    }
}
