//! Knowledge bases: create, read, list, delete.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::KnowledgeBaseId;
use flow_model::limits::{DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX};
use knowledge::Language;
use uuid::Uuid;

use super::{base_failure, page};
use crate::store::Store;
use crate::store::knowledge::{NewBase, Place};
use crate::usecase::account_of;

/// Creates a base under this id.
pub(crate) async fn create(
    store: &Store,
    request: v1::CreateKnowledgeBaseRequest,
    id: KnowledgeBaseId,
    now: DateTime<Utc>,
) -> Result<v1::KnowledgeBase, Failure> {
    let account = account_of(&request.account_id)?;
    let invalid = |field: &str, why: String| Err(Failure::because(ErrorCode::InvalidRequest, why).at(field));
    if !is_name(&request.name) {
        let why = format!(
            "must be 1 to {NAME_CHARS_MAX} letters, digits, '.', '_' or '-', begin with a letter or digit, and be no id"
        );
        return invalid("name", why);
    }
    if request.description.chars().count() > DESCRIPTION_CHARS_MAX || request.description.contains('\0') {
        return invalid("description", format!("must be at most {DESCRIPTION_CHARS_MAX} characters"));
    }
    if !request.language.is_empty() && Language::parse(&request.language).is_none() {
        let known = Language::ALL.map(Language::code).join(", ");
        return invalid("language", format!("must be one of {known}"));
    }
    let new = NewBase {
        id,
        account,
        name: request.name,
        description: request.description,
        language: request.language,
        now,
    };
    let stored = store.create_base(new).await.map_err(|error| base_failure(&error))?;
    Ok(stored.to_message())
}

/// A name can stand in a path, and is never taken for an id.
fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
        && name.to_lowercase().parse::<KnowledgeBaseId>().is_err()
}

/// Reads a base.
pub(crate) async fn get(
    store: &Store,
    request: v1::GetKnowledgeBaseRequest,
) -> Result<v1::KnowledgeBase, Failure> {
    let account = account_of(&request.account_id)?;
    let stored = store.base(account, &request.base).await.map_err(|error| base_failure(&error))?;
    Ok(stored.to_message())
}

/// Lists bases.
pub(crate) async fn list(
    store: &Store,
    request: v1::ListKnowledgeBasesRequest,
) -> Result<v1::ListKnowledgeBasesResponse, Failure> {
    let account = account_of(&request.account_id)?;
    let name = page::name_of('b', account.as_uuid());
    let read_id = |text: &str| Uuid::try_parse(text).ok();
    let (span, limit) = page::span(&name, (request.page, request.limit), &request.cursor, read_id)?;
    let mut listed = store.list_bases(account, span).await.map_err(|error| base_failure(&error))?;
    let more = listed.rows.len() > limit;
    listed.rows.truncate(limit);
    let last = listed.rows.last().filter(|_| more);
    let next_cursor = last.map(|base| {
        page::cursor(&name, &Place { created_at: base.created_at, id: base.id.as_simple().to_string() })
    });
    Ok(v1::ListKnowledgeBasesResponse {
        bases: listed.rows.iter().map(crate::store::knowledge::StoredBase::to_message).collect(),
        total: listed.total,
        next_cursor: next_cursor.unwrap_or_default(),
    })
}

/// Deletes a base with all that is in it.
pub(crate) async fn delete(
    store: &Store,
    request: v1::DeleteKnowledgeBaseRequest,
) -> Result<v1::DeleteKnowledgeBaseResponse, Failure> {
    let account = account_of(&request.account_id)?;
    if store.delete_base(account, &request.base).await.map_err(|error| base_failure(&error))? {
        Ok(v1::DeleteKnowledgeBaseResponse {})
    } else {
        Err(Failure::of(ErrorCode::KnowledgeBaseNotFound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_paths() {
        for name in ["support-kb", "a", "FAQ_2.1", "knowledge-base-1", &"x".repeat(120)] {
            assert!(is_name(name), "{name}");
        }
        let id = "Knowledge-Base-00000000-0000-0000-0000-000000000007";
        for name in ["", "-a", "a b", "a/b", "ä", "..", id, &"x".repeat(121)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
