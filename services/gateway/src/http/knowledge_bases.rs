//! `/v1/knowledge-bases`: what answers are taken from. A base is called by its id or by its name, in paths too.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod documents;
pub(super) mod get;
pub(super) mod list;
pub(super) mod search;
pub(super) mod view;

/// Characters of a base's name.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$";
/// Characters of a document's id.
pub(super) const DOCUMENT_ID_PATTERN: &str = "^[A-Za-z0-9._-]{1,128}$";
