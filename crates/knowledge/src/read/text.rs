//! Plain text: paragraphs between empty lines; a short line alone above a paragraph is its heading.

use crate::outline::Outline;

/// Characters of a line that may be a heading.
const HEADING_CHARS: usize = 80;
/// Lines that are joined to one paragraph: text that is one list or table is not one block.
const JOINED_LINES_MAX: usize = 40;

pub(super) fn read(text: &str, outline: &mut Outline) {
    let mut paragraph: Vec<&str> = Vec::new();
    let mut heading_before = false;
    for line in text.lines().map(str::trim).chain([""]) {
        if outline.is_full() {
            return;
        }
        if !line.is_empty() {
            let apart = is_item(line) || paragraph.len() >= JOINED_LINES_MAX;
            if apart && !paragraph.is_empty() {
                outline.block(&paragraph.join(" "));
                paragraph.clear();
            }
            paragraph.push(line);
            continue;
        }
        match paragraph.as_slice() {
            [] => continue,
            [alone] if is_heading(alone) && !heading_before => {
                outline.heading(1, alone);
                heading_before = true;
            }
            lines => {
                outline.block(&lines.join(" "));
                heading_before = false;
            }
        }
        paragraph.clear();
    }
}

/// Short, begins with a letter or digit and ends as no sentence does.
fn is_heading(line: &str) -> bool {
    line.chars().count() <= HEADING_CHARS
        && line.starts_with(|letter: char| letter.is_uppercase() || letter.is_numeric())
        && line.ends_with(|letter: char| letter.is_alphanumeric() || letter == ')')
}

fn is_item(line: &str) -> bool {
    ["- ", "* ", "• ", "– "].iter().any(|mark| line.starts_with(mark))
}
