//! Documents of knowledge bases, as accounts upload them.

use knowledge::limits::DOCUMENT_BYTES_MAX;
use knowledge::{Language, MediaType, read};

use crate::tried;

/// Plain text.
pub(crate) fn text(bytes: &[u8]) {
    document(bytes, MediaType::Text);
}

/// Markdown.
pub(crate) fn markdown(bytes: &[u8]) {
    document(bytes, MediaType::Markdown);
}

/// HTML.
pub(crate) fn html(bytes: &[u8]) {
    document(bytes, MediaType::Html);
}

/// PDF.
pub(crate) fn pdf(bytes: &[u8]) {
    document(bytes, MediaType::Pdf);
}

/// One that is read has passages, and these are no more than what came in can say.
fn document(bytes: &[u8], kind: MediaType) {
    let Ok(document) = read(bytes, kind) else { return };
    assert!(!document.passages.is_empty(), "a document without passages");
    let said: usize = document.passages.iter().map(|passage| passage.text.len()).sum();
    assert!(said <= 16 * DOCUMENT_BYTES_MAX, "{said} bytes came out of {}", bytes.len());
    for passage in document.passages.iter().take(4) {
        tried(Language::detect(&passage.text));
    }
}
