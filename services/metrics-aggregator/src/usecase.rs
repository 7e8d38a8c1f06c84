//! What the aggregator does: counts, answers, and checks itself.

pub(crate) mod count;
pub(crate) mod erase;
pub(crate) mod measure;
pub(crate) mod rebuild;
pub(crate) mod retention;

use bus::rpc::CallError;
use contracts::ErrorCode;
use contracts::v1::Failure;
use flow_model::{AccountId, WorkflowId};

use crate::store::StoreError;

/// Whose numbers a request is about.
fn ids(account: &[u8], workflow: &[u8]) -> Result<(AccountId, WorkflowId), Failure> {
    let malformed =
        |field: &str| Failure::because(ErrorCode::InvalidRequest, format!("{field} is not an id"));
    let account = AccountId::from_slice(account).map_err(|_| malformed("account_id"))?;
    let workflow = WorkflowId::from_slice(workflow).map_err(|_| malformed("workflow_id"))?;
    Ok((account, workflow))
}

/// The store's failure, as other services hear it. What went wrong is in the log only.
fn failure(error: &StoreError) -> Failure {
    match error {
        StoreError::Unavailable(_) | StoreError::Moved => {
            tracing::warn!(%error, "the database is away");
            Failure::because(ErrorCode::ServiceUnavailable, "The database is away")
        }
        StoreError::Statement(cause) if pg::is_unavailable(cause) => {
            tracing::warn!(%cause, "the database went away");
            Failure::because(ErrorCode::ServiceUnavailable, "The database is away")
        }
        StoreError::Statement(cause) => {
            tracing::error!(%cause, "a statement failed");
            Failure::of(ErrorCode::InternalError)
        }
    }
}

/// A runner's failure, handed on.
fn runner_failure(error: CallError) -> Failure {
    match error {
        CallError::Refused(failure) => failure,
        CallError::Unavailable(_) | CallError::TimedOut => {
            tracing::warn!(%error, "no execution runner answers");
            Failure::because(ErrorCode::ServiceUnavailable, "No execution runner answers")
        }
    }
}
