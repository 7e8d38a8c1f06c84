//! `/v1/knowledge-bases/{knowledge_base_id}/documents`.

pub(in crate::http) mod delete;
pub(in crate::http) mod get;
pub(in crate::http) mod list;
pub(in crate::http) mod put;

use serde::Serialize;

use super::view::DocumentView;

#[derive(Serialize)]
struct One {
    data: DocumentView,
}
