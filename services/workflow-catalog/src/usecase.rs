//! What can be done with workflows, and with the knowledge bases that they answer from.

pub(crate) mod announce;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod definition;
pub(crate) mod erase;
pub(crate) mod knowledge;
pub(crate) mod list;
pub(crate) mod read;
mod references;
pub(crate) mod repair;
pub(crate) mod secrets;
pub(crate) mod update;
pub(crate) mod validate;

use contracts::ErrorCode;
use contracts::v1::Failure;
use flow_model::{AccountId, WorkflowId};

use crate::store::StoreError;

/// Whether a text has the form of a cursor of any list of this name that the catalog gives. Takes any text.
#[must_use]
pub fn is_cursor(list: &str, text: &str) -> bool {
    list::read_cursor(list, text).is_ok() || knowledge::is_cursor(list, text)
}

/// A store's error, as the caller hears it. What went wrong inside is in the log only.
pub(crate) fn failure(error: &StoreError) -> Failure {
    match error {
        StoreError::NotFound => Failure::of(ErrorCode::WorkflowNotFound),
        StoreError::NameTaken => Failure::because(
            ErrorCode::WorkflowAlreadyExists,
            "Another workflow of the account has this name",
        )
        .at("name"),
        StoreError::OtherVersion => Failure::of(ErrorCode::PreconditionFailed),
        StoreError::Conflict(why) => Failure::because(ErrorCode::Conflict, *why),
        StoreError::Unavailable(_) | StoreError::Lost(_) => {
            tracing::warn!(%error, "the database is away");
            Failure::because(ErrorCode::ServiceUnavailable, "The database is away")
        }
        StoreError::Statement(cause) => {
            tracing::error!(%error, %cause, "a statement failed");
            Failure::of(ErrorCode::InternalError)
        }
    }
}

/// The ids of a request; what is not an id names nothing.
fn ids(account: &[u8], workflow: &[u8]) -> Result<(AccountId, WorkflowId), Failure> {
    let account = account_of(account)?;
    let workflow = WorkflowId::from_slice(workflow).map_err(|_| Failure::of(ErrorCode::WorkflowNotFound))?;
    Ok((account, workflow))
}

fn account_of(account: &[u8]) -> Result<AccountId, Failure> {
    AccountId::from_slice(account)
        .map_err(|_| Failure::because(ErrorCode::InvalidRequest, "account_id is not an id"))
}
