//! The bounds of documents, passages and questions.

/// Bytes of a document.
pub const DOCUMENT_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Bytes of text that are taken from a document; a packed one may hold more.
pub const TEXT_BYTES_MAX: usize = 20 * 1024 * 1024;
/// Characters of a passage that is full: what comes next begins another one.
pub const PASSAGE_CHARS: usize = 700;
/// Characters of a passage at most. A single paragraph that is longer is cut between sentences.
pub const PASSAGE_CHARS_MAX: usize = 1200;
/// Passages of a document.
pub const PASSAGES_MAX: usize = 20_000;
/// Passages of a knowledge base.
pub const BASE_PASSAGES_MAX: u64 = 50_000;
/// Headings above a passage: levels as in HTML.
pub const HEADING_LEVELS: usize = 6;
/// Characters of a title or a heading; the rest is cut off.
pub const HEADING_CHARS_MAX: usize = 200;
/// Pages of a PDF that are read.
pub const PAGES_MAX: usize = 2000;
/// Bytes that what a PDF is put together by may unfold to, each part.
pub const UNPACKED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that a PDF's page may unfold to: drawings apart, a page is some kilobytes.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that all pages of a PDF may unfold to.
pub const PAGES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that the table of letters of a PDF's font may unfold to.
pub const FONT_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a question; the rest of a longer one is not searched for.
pub const QUESTION_CHARS_MAX: usize = 1000;
/// Words of a question that are searched for.
pub const QUESTION_WORDS_MAX: usize = 32;
/// Passages that one search gives.
pub const FOUND_MAX: u32 = 20;
/// Characters of an answer that is made of sentences of a passage.
pub const ANSWER_CHARS_MAX: usize = 600;
/// Sentences, tables or blocks of code of such an answer.
pub const ANSWER_PIECES_MAX: usize = 3;
/// Passages that a model is shown.
pub const PROMPT_PASSAGES_MAX: usize = 6;
/// Messages of the conversation that a model is shown.
pub const PROMPT_MESSAGES_MAX: usize = 100;
/// Characters of one message of the conversation that a model is shown.
pub const PROMPT_MESSAGE_CHARS_MAX: usize = 4096;
/// Bytes of a model's answer.
pub const REPLY_BYTES_MAX: usize = 64 * 1024;
/// Characters of a text that is shown to a customer.
pub const REPLY_CHARS_MAX: usize = 4096;
