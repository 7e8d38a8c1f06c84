//! From a document's bytes to passages that stand under its headings.

mod html;
mod markdown;
mod pdf;
mod text;

use crate::limits::DOCUMENT_BYTES_MAX;
use crate::media::MediaType;
use crate::outline::Outline;

/// A document that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it calls itself; its first heading when it has no title of its own.
    pub title: Option<String>,
    /// What it says, in order; at least one.
    pub passages: Vec<Passage>,
}

/// A piece of a document that can be understood by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The headings that it stands under, from the outermost.
    pub headings: Vec<String>,
    /// What it says: paragraphs, items, rows and code, a line each. A row begins with `| `, as each of its cells does, and code
    /// with four blanks.
    pub text: String,
}

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than [`DOCUMENT_BYTES_MAX`].
    #[error("The document is larger than {DOCUMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// It says nothing.
    #[error("The document holds no text")]
    Empty,
    /// It should be text and is not.
    #[error("The document is not text in UTF-8: byte {0} cannot be read")]
    NotUtf8(usize),
    /// It has more passages than one document may have.
    #[error("The document is too long: split it into several")]
    TooLong,
    /// It should be a PDF and is not.
    #[error("The document is not a PDF that can be read")]
    NotPdf,
    /// It can be opened with a password only.
    #[error("The PDF is encrypted")]
    Encrypted,
    /// There are pages, but no letters on them.
    #[error("The PDF holds no text, only pictures or drawings")]
    NoTextInPdf,
    /// It unfolds to more than can be held.
    #[error("The PDF unfolds to more than can be read")]
    Unfolds,
}

/// Reads a document. Takes time in proportion to its size; of a PDF also stack, up to some megabytes.
///
/// # Errors
/// When it cannot be read, and why.
pub fn read(bytes: &[u8], kind: MediaType) -> Result<Document, Unreadable> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let mut outline = Outline::default();
    match kind {
        MediaType::Text => text::read(utf8(bytes)?, &mut outline),
        MediaType::Markdown => markdown::read(utf8(bytes)?, &mut outline),
        MediaType::Html => html::read(utf8(bytes)?, &mut outline),
        MediaType::Pdf => pdf::read(bytes, &mut outline)?,
    }
    outline.finish()
}

fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8(error.valid_up_to()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
