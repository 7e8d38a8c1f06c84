//! Documents: read, list, delete.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};

use super::{base_failure, failure, page};
use crate::store::Store;
use crate::store::knowledge::{Place, StoredBase, StoredDocument};
use crate::usecase::account_of;

/// Characters of a document's id.
const ID_CHARS_MAX: usize = 128;

/// Whether a document may be called so.
pub(super) fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len())
        && id.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
}

/// What cannot be an id names no document.
fn require_id(id: &str) -> Result<(), Failure> {
    if is_id(id) { Ok(()) } else { Err(Failure::of(ErrorCode::DocumentNotFound)) }
}

/// The base that a request is about.
pub(super) async fn base_of(store: &Store, account: &[u8], called: &str) -> Result<StoredBase, Failure> {
    let account = account_of(account)?;
    store.base(account, called).await.map_err(|error| base_failure(&error))
}

/// Reads what is known of a document.
pub(crate) async fn get(
    store: &Store,
    request: v1::GetDocumentRequest,
) -> Result<v1::KnowledgeDocument, Failure> {
    let base = base_of(store, &request.account_id, &request.base).await?;
    require_id(&request.document)?;
    let missing = |error| failure(&error, ErrorCode::DocumentNotFound);
    Ok(store.document(base.id, &request.document).await.map_err(missing)?.to_message())
}

/// Lists documents.
pub(crate) async fn list(
    store: &Store,
    request: v1::ListDocumentsRequest,
) -> Result<v1::ListDocumentsResponse, Failure> {
    let base = base_of(store, &request.account_id, &request.base).await?;
    let name = page::name_of('d', &base.id);
    let read_id = |text: &str| Some(text.to_owned()).filter(|id| is_id(id));
    let (span, limit) = page::span(&name, (request.page, request.limit), &request.cursor, read_id)?;
    let mut listed = store.list_documents(base.id, span).await.map_err(|error| base_failure(&error))?;
    let more = listed.rows.len() > limit;
    listed.rows.truncate(limit);
    let last = listed.rows.last().filter(|_| more);
    let next_cursor = last.map(|document| {
        page::cursor(&name, &Place { created_at: document.created_at, id: document.id.clone() })
    });
    Ok(v1::ListDocumentsResponse {
        documents: listed.rows.iter().map(StoredDocument::to_message).collect(),
        total: listed.total,
        next_cursor: next_cursor.unwrap_or_default(),
    })
}

/// Deletes a document with its passages.
pub(crate) async fn delete(
    store: &Store,
    request: v1::DeleteDocumentRequest,
) -> Result<v1::DeleteDocumentResponse, Failure> {
    let base = base_of(store, &request.account_id, &request.base).await?;
    require_id(&request.document)?;
    let deleted = store.delete_document(base.id, request.document).await;
    if deleted.map_err(|error| base_failure(&error))? {
        Ok(v1::DeleteDocumentResponse {})
    } else {
        Err(Failure::of(ErrorCode::DocumentNotFound))
    }
}
