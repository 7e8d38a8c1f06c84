//! The tables of knowledge bases: bases, their documents, and the documents' passages.

mod bases;
mod documents;
mod list;
mod put;
mod search;
mod uploads;
mod vectors;

pub(crate) use bases::{NewBase, StoredBase};
pub(crate) use documents::StoredDocument;
pub(crate) use list::{Place, Span};
pub(crate) use put::{NewDocument, NewPassage};
pub(crate) use search::{Candidate, Passage, Searched, Shape, WantedTerm};
pub(crate) use vectors::ToEmbed;
