//! What can be done with knowledge bases.

pub(crate) mod base;
pub(crate) mod document;
pub(crate) mod embed;
pub(crate) mod meaning;
mod page;
pub(crate) mod put;
mod reading;
pub(crate) mod search;
pub(crate) mod tidying;

use contracts::ErrorCode;
use contracts::v1::Failure;

use crate::store::StoreError;

/// Whether a text has the form of a cursor of a list of bases or documents of this name.
pub(super) fn is_cursor(list: &str, text: &str) -> bool {
    page::read(list, text, |id| Some(id.to_owned())).is_ok()
}

/// A store's error, as the caller hears it, when this is what was not there.
fn failure(error: &StoreError, missing: ErrorCode) -> Failure {
    match error {
        StoreError::NotFound => Failure::of(missing),
        StoreError::NameTaken => Failure::because(
            ErrorCode::KnowledgeBaseAlreadyExists,
            "Another knowledge base of the account has this name",
        )
        .at("name"),
        StoreError::OtherVersion
        | StoreError::Conflict(_)
        | StoreError::Unavailable(_)
        | StoreError::Lost(_)
        | StoreError::Statement(_) => super::failure(error),
    }
}

fn base_failure(error: &StoreError) -> Failure {
    failure(error, ErrorCode::KnowledgeBaseNotFound)
}
