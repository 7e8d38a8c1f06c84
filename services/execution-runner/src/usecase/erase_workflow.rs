//! Erasing the executions of a workflow that was deleted: the catalog asks when nobody can see them any more.

use contracts::v1::{self, Failure};
use flow_model::{AccountId, WorkflowId};

use super::{failure, malformed};
use crate::store::erase::Erasing;

/// Executions removed in one transaction.
const ROWS_MAX: u32 = 2000;

/// Removes a part.
pub(crate) async fn erase_workflow(
    erasing: &Erasing,
    request: v1::EraseWorkflowRequest,
) -> Result<v1::EraseWorkflowResponse, Failure> {
    let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
    let workflow = WorkflowId::from_slice(&request.workflow_id).map_err(|_| malformed("workflow_id"))?;
    let erased = erasing.erase(account, workflow, ROWS_MAX).await;
    Ok(v1::EraseWorkflowResponse { done: erased.map_err(|error| failure(&error))? })
}
