//! A revision for runners whose bucket of definitions has none.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::WorkflowId;

use super::failure;
use crate::store::{Revision, Store, StoredWorkflow};

/// Reads a revision, also of a deleted workflow.
pub(crate) async fn definition(
    store: &Store,
    request: v1::GetDefinitionRequest,
) -> Result<v1::Definition, Failure> {
    let missing = || Failure::of(ErrorCode::WorkflowNotFound);
    let id = WorkflowId::from_slice(&request.workflow_id).map_err(|_| missing())?;
    let number = i32::try_from(request.revision).map_err(|_| missing())?;
    let stored = store.any_workflow(id).await.map_err(|error| failure(&error))?;
    let revision = store.revision(id, number).await.map_err(|error| failure(&error))?;
    Ok(message(&stored, request.revision, revision.ok_or_else(missing)?))
}

/// A revision as the bus carries it.
pub(super) fn message(workflow: &StoredWorkflow, number: u32, revision: Revision) -> v1::Definition {
    v1::Definition {
        account_id: workflow.account().to_vec().into(),
        workflow_id: workflow.workflow_id().to_vec().into(),
        revision: number,
        configuration_json: revision.configuration.into(),
        channel: revision.channel,
    }
}
