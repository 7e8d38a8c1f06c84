//! PDF: the letters of each page, and lines where the pen moves down.
//!
//! The file is read by a library that stops at what unfolds or nests without end; should it panic at rubbish all the
//! same, that is a document that cannot be read. Pictures of text are not read.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Encoding, LoadOptions, Object, ObjectId};

use super::{Unreadable, text};
use crate::limits::{
    FONT_BYTES_MAX, PAGE_BYTES_MAX, PAGES_BYTES_MAX, PAGES_MAX, TEXT_BYTES_MAX, UNPACKED_BYTES_MAX,
};
use crate::outline::Outline;

/// In thousandths of the letters' size: what moves the pen on by more is a blank between words.
const BLANK: f32 = -180.0;
/// Where the size of the letters is not known.
const SIZE: f32 = 12.0;
/// Lines whose distance is more than so many times the letters' size stand in different paragraphs.
const PARAGRAPH: f32 = 1.9;

pub(super) fn read(bytes: &[u8], outline: &mut Outline) -> Result<(), Unreadable> {
    // The document is thrown away after a panic.
    let pages =
        catch_unwind(AssertUnwindSafe(|| pages(bytes, outline))).unwrap_or(Err(Unreadable::NotPdf))?;
    let mut any = false;
    for page in pages {
        any |= !page.trim().is_empty();
        text::read(&page, outline);
    }
    if any { Ok(()) } else { Err(Unreadable::NoTextInPdf) }
}

fn pages(bytes: &[u8], outline: &mut Outline) -> Result<Vec<String>, Unreadable> {
    let options = LoadOptions { max_decompressed_size: Some(UNPACKED_BYTES_MAX), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| unreadable(&error))?;
    if document.is_encrypted() {
        return Err(Unreadable::Encrypted);
    }
    if let Some(title) = title(&document) {
        outline.title(&title);
    }
    let mut pages = Vec::new();
    let (mut bytes, mut unpacked) = (0, 0);
    for page in document.page_iter().take(PAGES_MAX) {
        let left = PAGE_BYTES_MAX.min(PAGES_BYTES_MAX.saturating_sub(unpacked));
        let content = document.get_page_content_with_limit(page, left).map_err(|error| unreadable(&error))?;
        unpacked += content.len();
        let text = page_text(&document, page, &content);
        bytes += text.len();
        if bytes > TEXT_BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
        pages.push(text);
    }
    if pages.is_empty() { Err(Unreadable::NotPdf) } else { Ok(pages) }
}

fn unreadable(error: &lopdf::Error) -> Unreadable {
    match error {
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => Unreadable::Unfolds,
        lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => Unreadable::Encrypted,
        _ => Unreadable::NotPdf,
    }
}

fn title(document: &Document) -> Option<String> {
    let information = document.trailer.get(b"Info").ok()?.as_reference().ok()?;
    let title = document.get_dictionary(information).ok()?.get(b"Title").ok()?;
    lopdf::decode_text_string(title).ok()
}

fn page_text(document: &Document, page: ObjectId, content: &[u8]) -> String {
    let fonts: BTreeMap<Vec<u8>, &Dictionary> = document.get_page_fonts(page).unwrap_or_default();
    let encodings: BTreeMap<Vec<u8>, Encoding<'_>> = fonts
        .into_iter()
        .filter_map(|(name, font)| {
            Some((name, font.get_font_encoding_with_limit(document, FONT_BYTES_MAX).ok()?))
        })
        .collect();
    let Ok(content) = Content::decode(content) else { return String::new() };
    let mut pen = Pen { text: String::new(), encoding: None, size: SIZE, leading: SIZE, y: None };
    for operation in &content.operations {
        pen.take(&operation.operator, &operation.operands, &encodings);
    }
    pen.text
}

/// Writes the letters of a page.
struct Pen<'a> {
    text: String,
    encoding: Option<&'a Encoding<'a>>,
    size: f32,
    leading: f32,
    /// How high the last line stood, where that is known.
    y: Option<f32>,
}

impl<'a> Pen<'a> {
    /// Operators of ISO 32000-1 §9.4.
    fn take(&mut self, operator: &str, operands: &[Object], encodings: &'a BTreeMap<Vec<u8>, Encoding<'a>>) {
        match (operator, operands) {
            ("Tf", [font, size]) => {
                self.encoding = font.as_name().ok().and_then(|name| encodings.get(name));
                self.size = size.as_float().ok().map(f32::abs).filter(|size| *size > 1.0).unwrap_or(SIZE);
            }
            ("TL", [leading]) => self.leading = leading.as_float().unwrap_or(SIZE),
            ("Td" | "TD", [_, down]) => self.moved(down.as_float().unwrap_or(0.0)),
            ("Tm", [_, _, _, _, _, y]) => {
                let y = y.as_float().unwrap_or(0.0);
                let before = self.y.replace(y);
                self.moved(before.map_or(0.0, |before| y - before));
                self.y = Some(y);
            }
            ("T*", _) => self.moved(-self.leading),
            ("Tj", [shown]) => self.show(shown),
            ("'", [shown]) | ("\"", [_, _, shown]) => {
                self.moved(-self.leading);
                self.show(shown);
            }
            ("TJ", [Object::Array(parts)]) => {
                for part in parts {
                    match part.as_float() {
                        Ok(gap) if gap < BLANK => self.blank(),
                        Ok(_) => {}
                        Err(_) => self.show(part),
                    }
                }
            }
            ("ET", _) => self.blank(),
            _ => {}
        }
    }

    fn show(&mut self, shown: &Object) {
        let (Some(encoding), Ok(bytes)) = (self.encoding, shown.as_str()) else { return };
        if let Ok(text) = Document::decode_text(encoding, bytes) {
            self.text.push_str(&text);
        }
    }

    /// To another place: the same line, the next one, or the next paragraph.
    fn moved(&mut self, by: f32) {
        let lines = by.abs() / self.size;
        if lines < 0.3 {
            self.blank();
        } else if lines < PARAGRAPH {
            self.end_line("\n");
        } else {
            self.end_line("\n\n");
        }
    }

    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
            self.text.push(' ');
        }
    }

    fn end_line(&mut self, end: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push_str(end);
        }
    }
}
