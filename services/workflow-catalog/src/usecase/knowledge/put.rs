//! Putting a document: what it says takes the place of what the document with its id said before.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::AccountId;
use knowledge::limits::{DOCUMENT_BYTES_MAX, HEADING_CHARS_MAX};
use knowledge::{Document, Language, MediaType};
use uuid::Uuid;

use super::document::{base_of, is_id};
use super::{base_failure, reading};
use crate::store::Store;
use crate::store::knowledge::{NewDocument, NewPassage};
use crate::usecase::account_of;

/// Parts of a document at most.
const PARTS_MAX: u32 = 64;
/// Characters that the language of a document is told by.
const SAMPLE_CHARS: usize = 4000;

/// Keeps a part of a document that does not fit into one message.
pub(crate) async fn part(
    store: &Store,
    request: v1::PutDocumentPartRequest,
    now: DateTime<Utc>,
) -> Result<v1::PutDocumentPartResponse, Failure> {
    let account = account_of(&request.account_id)?;
    let upload = upload_of(&request.upload_id)?;
    let part = i32::try_from(request.part).ok().filter(|_| request.part < PARTS_MAX).ok_or_else(too_large)?;
    let kept = store.keep_part(account, upload, part, request.data.to_vec(), now).await;
    kept.map_err(|error| base_failure(&error))?;
    Ok(v1::PutDocumentPartResponse {})
}

/// Puts a document.
pub(crate) async fn put(
    store: &Store,
    request: v1::PutDocumentRequest,
    now: DateTime<Utc>,
) -> Result<v1::PutDocumentResponse, Failure> {
    let account = account_of(&request.account_id)?;
    let base = base_of(store, &request.account_id, &request.base).await?;
    if !is_id(&request.document) {
        let why = "A document's id must be 1 to 128 letters, digits, '.', '_' or '-'";
        return Err(Failure::because(ErrorCode::InvalidRequest, why).at("document_id"));
    }
    let kind = MediaType::parse(&request.content_type).ok_or_else(|| {
        let kinds = MediaType::ALL.map(MediaType::as_str).join(", ");
        Failure::because(
            ErrorCode::UnsupportedMediaType,
            format!("Send the document as one of {kinds}, texts in UTF-8"),
        )
    })?;
    let bytes = bytes_of(store, account, &request).await?;
    let size = bytes.len() as u64;
    let read = reading::read(bytes, kind).await?;
    let language = match Language::parse(&base.language) {
        Some(language) => language,
        None => Language::detect(&sample(&read)),
    };
    let title = title_of(&request, &read);
    let new = NewDocument {
        base: base.id,
        id: request.document,
        title,
        content_type: kind.as_str().to_owned(),
        language,
        bytes: size,
        passages: read.passages.into_iter().map(searchable).collect(),
        now,
    };
    let (stored, created) = store.put_document(new).await.map_err(|error| base_failure(&error))?;
    if request.parts > 0 {
        // What is left is forgotten by the tidying.
        store.forget_upload(account, upload_of(&request.upload_id)?).await.ok();
    }
    Ok(v1::PutDocumentResponse { document: Some(stored.to_message()), created })
}

async fn bytes_of(
    store: &Store,
    account: AccountId,
    request: &v1::PutDocumentRequest,
) -> Result<Vec<u8>, Failure> {
    let bytes = if request.parts == 0 {
        request.data.to_vec()
    } else {
        let upload = upload_of(&request.upload_id)?;
        let joined = store.joined_parts(account, upload, request.parts).await;
        joined.map_err(|error| base_failure(&error))?.ok_or_else(|| {
            Failure::because(
                ErrorCode::ServiceUnavailable,
                "A part of the document is missing: send it again",
            )
        })?
    };
    if bytes.len() > DOCUMENT_BYTES_MAX { Err(too_large()) } else { Ok(bytes) }
}

fn upload_of(id: &[u8]) -> Result<Uuid, Failure> {
    Uuid::from_slice(id).map_err(|_| Failure::because(ErrorCode::InvalidRequest, "upload_id is not an id"))
}

fn too_large() -> Failure {
    let why = format!("The document is larger than {DOCUMENT_BYTES_MAX} bytes");
    Failure::because(ErrorCode::PayloadTooLarge, why)
}

/// The caller's title, or the document's own, or its id.
fn title_of(request: &v1::PutDocumentRequest, read: &Document) -> String {
    let letters = request.title.trim().chars().filter(|letter| !letter.is_control());
    let given: String = letters.take(HEADING_CHARS_MAX).collect();
    if given.is_empty() { read.title.clone().unwrap_or_else(|| request.document.clone()) } else { given }
}

fn sample(read: &Document) -> String {
    let mut sample = String::new();
    for passage in &read.passages {
        sample.push_str(&passage.text);
        sample.push('\n');
        if sample.len() >= SAMPLE_CHARS {
            break;
        }
    }
    sample
}

fn searchable(passage: knowledge::Passage) -> NewPassage {
    let searchable = knowledge::question::searchable(&passage.text);
    NewPassage { headings: passage.headings, text: passage.text, searchable }
}
