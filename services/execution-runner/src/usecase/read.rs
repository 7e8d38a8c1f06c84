//! One execution, and totals.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::{AccountId, ExecutionId, WorkflowId};

use super::{failure, malformed};
use crate::store::read::Reads;

/// Workflows in one request for totals.
const WORKFLOWS_MAX: usize = 1000;

/// An execution with its steps.
pub(crate) async fn get_execution(
    reads: &Reads,
    request: v1::GetExecutionRequest,
) -> Result<v1::Execution, Failure> {
    let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
    let workflow = WorkflowId::from_slice(&request.workflow_id).map_err(|_| malformed("workflow_id"))?;
    let id = ExecutionId::from_slice(&request.execution_id).map_err(|_| malformed("execution_id"))?;
    let found = reads.execution(account, workflow, id).await.map_err(|error| failure(&error))?;
    found.ok_or_else(|| Failure::of(ErrorCode::ExecutionNotFound))
}

/// How many executions each workflow has, in the order of the request.
pub(crate) async fn workflow_totals(
    reads: &Reads,
    request: v1::WorkflowTotalsRequest,
) -> Result<v1::WorkflowTotalsResponse, Failure> {
    if request.workflow_ids.len() > WORKFLOWS_MAX {
        return Err(Failure::because(ErrorCode::InvalidRequest, "too many workflows").at("workflow_ids"));
    }
    let ids = request
        .workflow_ids
        .iter()
        .map(|id| WorkflowId::from_slice(id))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| malformed("workflow_ids"))?;
    let totals = reads.totals(&ids).await.map_err(|error| failure(&error))?;
    let totals = ids
        .iter()
        .map(|id| {
            let of_workflow = totals.get(id).copied().unwrap_or_default();
            v1::WorkflowTotals {
                workflow_id: id.to_vec().into(),
                succeeded: of_workflow.succeeded,
                failed: of_workflow.failed,
                running: of_workflow.running,
            }
        })
        .collect();
    Ok(v1::WorkflowTotalsResponse { totals })
}
