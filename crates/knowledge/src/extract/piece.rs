//! What a passage says in pieces that can be told by themselves: a sentence, the fitting rows of a table, the fitting lines of
//! a block of code.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use crate::line::{self, Line};
use crate::rank::Term;
use crate::sentences;

/// Rows of a table, or lines of a block of code, that are told.
const LINES_MAX: usize = 3;
/// Characters of a row that is told whole; of a longer one what it is about, and its fitting sentences.
const ROW_CHARS: usize = 280;
/// Letters by which a word may be longer than its stem.
const ENDING_LETTERS_MAX: usize = 5;

/// What kind of text a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Sentence,
    Rows,
    Code,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub form: Form,
    pub text: String,
    /// Which of the terms it says.
    pub says: Vec<bool>,
}

impl Piece {
    fn sentence(text: &str, terms: &[Term]) -> Self {
        Self { form: Form::Sentence, text: text.to_owned(), says: says(text, terms) }
    }

    fn of_lines(form: Form, lines: &[String], terms: &[Term]) -> Self {
        let text = fitting_lines(lines, terms).join("\n");
        Self { form, says: says(&text, terms), text }
    }
}

/// The pieces of a passage, in order.
pub(super) fn of(text: &str, terms: &[Term]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut rows, mut code): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let end = |form: Form, lines: &mut Vec<String>, pieces: &mut Vec<Piece>| {
        if !lines.is_empty() {
            pieces.push(Piece::of_lines(form, &std::mem::take(lines), terms));
        }
    };
    for text in text.lines() {
        let line = line::parse(text);
        if !matches!(line, Line::Row(_)) {
            end(Form::Rows, &mut rows, &mut pieces);
        }
        if !matches!(line, Line::Code(_)) {
            end(Form::Code, &mut code, &mut pieces);
        }
        match line {
            Line::Prose(text) => {
                let sentences =
                    sentences::split(text).into_iter().map(str::trim).filter(|text| !text.is_empty());
                pieces.extend(sentences.map(|sentence| Piece::sentence(sentence, terms)));
            }
            Line::Row(cells) => rows.push(row(&cells, terms)),
            Line::Code(text) => code.push(text.to_owned()),
        }
    }
    end(Form::Rows, &mut rows, &mut pieces);
    end(Form::Code, &mut code, &mut pieces);
    pieces
}

/// The sentences, rows and lines of code of a passage, one by one.
pub(super) fn statements(text: &str) -> Vec<Cow<'_, str>> {
    let mut statements = Vec::new();
    for line in text.lines() {
        match line::parse(line) {
            Line::Prose(text) => statements.extend(sentences::split(text).into_iter().map(Cow::Borrowed)),
            Line::Row(cells) => statements.push(Cow::Owned(line::prose(&cells))),
            Line::Code(text) => statements.push(Cow::Borrowed(text)),
        }
    }
    statements
}

/// What the terms weigh of which one of these says so.
pub(super) fn weight(terms: &[Term], says: &[bool]) -> f64 {
    terms.iter().zip(says).filter(|(_, says)| **says).map(|(term, _)| term.weight).sum()
}

/// Which of the terms a text has.
pub(super) fn says(text: &str, terms: &[Term]) -> Vec<bool> {
    let words: Vec<String> =
        text.unicode_words().flat_map(|word| word.split(['_', '.'])).map(str::to_lowercase).collect();
    terms.iter().map(|term| words.iter().any(|word| is_form(word, &term.lexeme))).collect()
}

/// A row as a sentence: a long one is what it is about and the sentences that fit.
fn row(cells: &[&str], terms: &[Term]) -> String {
    let whole = line::prose(cells);
    let Some((first, rest)) = cells.split_first().filter(|_| whole.chars().count() > ROW_CHARS) else {
        return whole;
    };
    let sentences: Vec<String> = rest
        .iter()
        .flat_map(|cell| sentences::split(cell))
        .map(|sentence| sentence.trim().to_owned())
        .filter(|sentence| !sentence.is_empty())
        .collect();
    let fitting = fitting_lines(&sentences, terms).join(" ");
    line::prose(&[first, &fitting])
}

/// The lines that together say the most of the terms, in their order; the first ones when none says any.
fn fitting_lines<'a>(lines: &'a [String], terms: &[Term]) -> Vec<&'a str> {
    let said: Vec<Vec<bool>> = lines.iter().map(|line| says(line, terms)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut covered = vec![false; terms.len()];
    while chosen.len() < LINES_MAX {
        let gain = |said: &[bool]| {
            let new: Vec<bool> = said.iter().zip(&covered).map(|(said, covered)| *said && !covered).collect();
            weight(terms, &new)
        };
        let mut best: Option<(f64, usize)> = None;
        for (number, said) in said.iter().enumerate() {
            let gain = gain(said);
            if gain > best.map_or(0.0, |(most, _)| most) + f64::EPSILON {
                best = Some((gain, number));
            }
        }
        let Some((_, number)) = best else { break };
        chosen.push(number);
        covered
            .iter_mut()
            .zip(said.get(number).into_iter().flatten())
            .for_each(|(covered, said)| *covered |= said);
    }
    if chosen.is_empty() {
        chosen.extend(0..lines.len().min(LINES_MAX));
    }
    chosen.sort_unstable();
    chosen.into_iter().filter_map(|number| lines.get(number)).map(String::as_str).collect()
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

    fn terms(lexemes: &[&str]) -> Vec<Term> {
        lexemes.iter().map(|lexeme| Term { lexeme: (*lexeme).to_owned(), weight: 1.0 }).collect()
    }

    #[test]
    fn a_long_row_is_what_it_is_about_and_the_sentences_that_fit() {
        let filler = "Nothing of interest stands here, and it goes on and on. ".repeat(6);
        let text = format!("| Part: frame | Rule: {filler}Cracks are covered for ten years. {filler}");
        let told = of(&text, &terms(&["crack", "year"]));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].text, "Part: frame; Cracks are covered for ten years.");
    }

    #[test]
    fn a_passage_falls_into_sentences_tables_and_blocks_of_code() {
        let text = "One. Two.\n| a: 1 | b: 2\n| a: 3 | b: 4\nThree.\n    make\n\n    run";
        let forms: Vec<Form> = of(text, &terms(&["x"])).iter().map(|piece| piece.form).collect();
        let (sentence, rows, code) = (Form::Sentence, Form::Rows, Form::Code);
        assert_eq!(forms, [sentence, sentence, rows, sentence, code, code]);
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
