//! Gathers headings and blocks of text into passages.
//!
//! A passage holds whole blocks under one heading until it is full. A block that is too long alone is cut between
//! sentences, or between words when there are none.

use crate::limits::{
    HEADING_CHARS_MAX, HEADING_LEVELS, PASSAGE_CHARS, PASSAGE_CHARS_MAX, PASSAGES_MAX, TEXT_BYTES_MAX,
};
use crate::line::{self, Kind};
use crate::read::{Document, Passage, Unreadable};
use crate::sentences;

/// Characters that may stand before a line.
const MARK_CHARS_MAX: usize = 4;

/// A document on its way to passages.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    title: Option<String>,
    first_heading: Option<String>,
    /// Level and text, from the outermost.
    headings: Vec<(usize, String)>,
    gathered: String,
    /// The names of the table's columns, and whether it has rows.
    columns: Vec<String>,
    has_rows: bool,
    passages: Vec<Passage>,
    bytes: usize,
    overflowed: bool,
}

impl Outline {
    /// What the document calls itself.
    pub fn title(&mut self, text: &str) {
        let text = heading_text(text);
        if self.title.is_none() && !text.is_empty() {
            self.title = Some(text);
        }
    }

    /// Begins a section; `level` counts from 1.
    pub fn heading(&mut self, level: usize, text: &str) {
        let text = heading_text(text);
        if text.is_empty() {
            return;
        }
        self.close();
        let level = level.clamp(1, HEADING_LEVELS);
        self.headings.retain(|(above, _)| *above < level);
        if self.first_heading.is_none() {
            self.first_heading = Some(text.clone());
        }
        self.headings.push((level, text));
    }

    /// Adds a paragraph or an item.
    pub fn block(&mut self, text: &str) {
        self.add(Kind::Prose, &one_line(text));
    }

    /// The names of the columns of the rows that follow.
    pub fn columns(&mut self, names: Vec<String>) {
        self.end_table();
        self.columns = names;
        self.has_rows = false;
    }

    /// Adds a row of a table; one cell without a name is a paragraph.
    pub fn row(&mut self, cells: &[String]) {
        self.has_rows = true;
        let kind = if self.columns.is_empty() && cells.len() < 2 { Kind::Prose } else { Kind::Row };
        let text = one_line(&line::row(&self.columns, cells));
        self.add(kind, &text);
    }

    /// No more rows follow. Names without any row are one.
    pub fn end_table(&mut self) {
        let names = std::mem::take(&mut self.columns);
        if !names.is_empty() && !self.has_rows {
            self.row(&names);
        }
    }

    /// Adds a line of code.
    pub fn code(&mut self, text: &str) {
        let line = one_line(text);
        if !line.is_empty() {
            self.add(Kind::Code, &(line::indent(text) + &line));
        }
    }

    fn add(&mut self, kind: Kind, text: &str) {
        if text.is_empty() {
            return;
        }
        self.bytes += text.len();
        if self.is_full() {
            self.overflowed = true;
            return;
        }
        for piece in pieces(text) {
            let gathered = self.gathered.chars().count();
            if gathered > 0 && gathered + piece.chars().count() > PASSAGE_CHARS {
                self.close();
            }
            if !self.gathered.is_empty() {
                self.gathered.push('\n');
            }
            self.gathered.push_str(kind.mark());
            self.gathered.push_str(piece);
        }
    }

    /// Whether nothing more is taken.
    pub fn is_full(&self) -> bool {
        self.overflowed || self.bytes > TEXT_BYTES_MAX || self.passages.len() > PASSAGES_MAX
    }

    /// All passages.
    pub fn finish(mut self) -> Result<Document, Unreadable> {
        self.end_table();
        self.close();
        // A document of one line that looks like a heading says what it says.
        if let (true, Some(heading)) = (self.passages.is_empty(), &self.first_heading) {
            self.passages.push(Passage { headings: Vec::new(), text: heading.clone() });
        }
        if self.is_full() {
            return Err(Unreadable::TooLong);
        }
        if self.passages.is_empty() {
            return Err(Unreadable::Empty);
        }
        Ok(Document { title: self.title.or(self.first_heading), passages: self.passages })
    }

    fn close(&mut self) {
        let text = std::mem::take(&mut self.gathered);
        if !text.is_empty() {
            let headings = self.headings.iter().map(|(_, text)| text.clone()).collect();
            self.passages.push(Passage { headings, text });
        }
    }
}

/// Text with single blanks, and without control characters, which the database does not take and nobody reads.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

fn heading_text(text: &str) -> String {
    one_line(text).chars().take(HEADING_CHARS_MAX).collect()
}

/// A block in pieces that fit into a passage.
fn pieces(block: &str) -> Vec<&str> {
    if block.chars().count() <= PASSAGE_CHARS_MAX - MARK_CHARS_MAX {
        return vec![block];
    }
    let mut pieces = Vec::new();
    let (mut from, mut to, mut chars) = (0, 0, 0);
    for sentence in sentences::split(block).into_iter().flat_map(words_that_fit) {
        let more = sentence.chars().count();
        if chars > 0 && chars + more > PASSAGE_CHARS {
            pieces.extend(block.get(from..to));
            (from, chars) = (to, 0);
        }
        to += sentence.len();
        chars += more;
    }
    pieces.extend(block.get(from..));
    pieces.into_iter().map(str::trim_end).filter(|piece| !piece.is_empty()).collect()
}

/// A sentence, or what is too long for one cut after blanks, or anywhere when it has none.
fn words_that_fit(sentence: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some((limit, _)) = rest.char_indices().nth(PASSAGE_CHARS) {
        let (head, _) = rest.split_at(limit);
        let at = head.rfind(' ').map_or(limit, |blank| blank + 1);
        let (part, others) = rest.split_at(at);
        parts.push(part);
        rest = others;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_gathered_under_their_headings() {
        let mut outline = Outline::default();
        outline.block("Before.");
        outline.heading(1, "Returns");
        outline.block("You have\n 30 days.");
        outline.heading(2, "Costs");
        outline.block("We pay.");
        outline.heading(1, "Contact");
        outline.block("Write to us.");
        let document = outline.finish().unwrap();
        let told: Vec<(String, &str)> = document
            .passages
            .iter()
            .map(|passage| (passage.headings.join(" > "), passage.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (String::new(), "Before."),
                ("Returns".to_owned(), "You have 30 days."),
                ("Returns > Costs".to_owned(), "We pay."),
                ("Contact".to_owned(), "Write to us."),
            ]
        );
        assert_eq!(document.title.as_deref(), Some("Returns"));
    }

    #[test]
    fn what_is_long_is_cut_and_nothing_is_lost() {
        for block in [
            "One sentence of eight words stands right here. ".repeat(200),
            "x".repeat(5000),
            "ä b ".repeat(2000),
        ] {
            let mut outline = Outline::default();
            outline.block(&block);
            let document = outline.finish().unwrap();
            let letters =
                |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
            let all: String = document.passages.iter().map(|passage| letters(&passage.text)).collect();
            assert_eq!(all, letters(&block));
            assert!(
                document.passages.iter().all(|passage| passage.text.chars().count() <= PASSAGE_CHARS_MAX)
            );
        }
    }
}
