//! HTML: what a reader of the page sees, from its tokens. No tree is built, so no nesting costs anything.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

use crate::outline::Outline;

/// What stands in these is not part of the text.
const UNSEEN: [&[u8]; 12] = [
    b"script",
    b"style",
    b"noscript",
    b"template",
    b"svg",
    b"math",
    b"iframe",
    b"object",
    b"select",
    b"textarea",
    b"button",
    b"nav",
];
/// These stand within a line; all others begin and end a block.
const INLINE: [&[u8]; 26] = [
    b"a", b"abbr", b"b", b"bdi", b"bdo", b"cite", b"code", b"data", b"dfn", b"em", b"font", b"i", b"kbd",
    b"label", b"mark", b"q", b"s", b"samp", b"small", b"span", b"strong", b"sub", b"sup", b"time", b"u",
    b"var",
];

pub(super) fn read(text: &str, outline: &mut Outline) {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut page = Page::default();
    for token in Tokenizer::new_with_emitter(text, emitter) {
        if outline.is_full() {
            return;
        }
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => page.open(&tag.name, tag.self_closing, outline),
            Token::EndTag(tag) => page.close(&tag.name, outline),
            Token::String(text) => page.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.flush(outline);
}

/// Whether what comes stands in a table's cell.
#[derive(Debug, Default, PartialEq, Eq)]
enum Cell {
    #[default]
    Outside,
    Inside,
}

#[derive(Debug, Default)]
struct Page {
    text: String,
    cells: Vec<String>,
    cell: Cell,
    /// Whether the row has a cell that is no heading.
    has_values: bool,
    /// Whether the table's columns have names: its first row has headings only.
    named: bool,
    /// The element whose content is not seen, and how deep it stands in itself.
    unseen: Option<(Vec<u8>, usize)>,
}

impl Page {
    fn open(&mut self, name: &[u8], self_closing: bool, outline: &mut Outline) {
        if let Some((unseen, depth)) = &mut self.unseen {
            if unseen == name {
                *depth += 1;
            }
            return;
        }
        if UNSEEN.contains(&name) {
            if !self_closing {
                self.unseen = Some((name.to_vec(), 1));
            }
            return;
        }
        match name {
            b"br" => self.text.push(' '),
            b"td" | b"th" => {
                self.end_cell();
                self.cell = Cell::Inside;
                self.has_values |= name == b"td";
            }
            // Blocks in a cell are one cell.
            b"p" | b"div" if self.cell == Cell::Inside => self.text.push(' '),
            b"table" => {
                self.flush(outline);
                outline.end_table();
                self.named = false;
            }
            b"title" => self.text.clear(),
            name if INLINE.contains(&name) => {}
            _ => self.flush(outline),
        }
    }

    fn close(&mut self, name: &[u8], outline: &mut Outline) {
        if let Some((unseen, depth)) = &mut self.unseen {
            if unseen == name {
                *depth -= 1;
                if *depth == 0 {
                    self.unseen = None;
                }
            }
            return;
        }
        match name {
            b"title" => outline.title(&std::mem::take(&mut self.text)),
            [b'h', level @ b'1'..=b'6'] => {
                outline.heading(usize::from(level - b'0'), &std::mem::take(&mut self.text));
            }
            b"td" | b"th" => self.end_cell(),
            b"p" | b"div" if self.cell == Cell::Inside => self.text.push(' '),
            b"table" => {
                self.flush(outline);
                outline.end_table();
                self.named = false;
            }
            name if INLINE.contains(&name) => {}
            _ => self.flush(outline),
        }
    }

    fn text(&mut self, text: &str) {
        if self.unseen.is_none() {
            self.text.push_str(text);
        }
    }

    /// Cells that are empty count: those behind them stand in later columns.
    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.text);
        if self.cell == Cell::Inside || !cell.trim().is_empty() {
            self.cells.push(cell);
        }
        self.cell = Cell::Outside;
    }

    fn flush(&mut self, outline: &mut Outline) {
        if self.cells.is_empty() && self.cell == Cell::Outside {
            outline.block(&std::mem::take(&mut self.text));
            return;
        }
        self.end_cell();
        let cells = std::mem::take(&mut self.cells);
        let has_values = std::mem::take(&mut self.has_values);
        if has_values || cells.len() < 2 || self.named {
            outline.row(&cells);
        } else {
            outline.columns(cells);
            self.named = true;
        }
    }
}
