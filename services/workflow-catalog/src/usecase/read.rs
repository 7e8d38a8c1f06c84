//! One workflow, with its configuration as its user wrote it.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};

use super::{failure, ids};
use crate::store::Store;

/// Reads a workflow.
pub(crate) async fn get(store: &Store, request: v1::GetWorkflowRequest) -> Result<v1::Workflow, Failure> {
    let (account, id) = ids(&request.account_id, &request.workflow_id)?;
    let stored = store.workflow(account, id).await.map_err(|error| failure(&error))?;
    let revision = store.revision(id, stored.revision).await.map_err(|error| failure(&error))?;
    let Some(revision) = revision else {
        tracing::error!(workflow = %id, revision = stored.revision, "a revision is missing");
        return Err(Failure::of(ErrorCode::InternalError));
    };
    Ok(v1::Workflow { configuration_json: revision.configuration.into(), ..stored.to_message() })
}
