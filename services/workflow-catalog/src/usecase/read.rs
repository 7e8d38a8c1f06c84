//! Workflows, with their configurations as their user wrote them.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::WorkflowId;

use super::{account_of, failure};
use crate::store::Store;

/// Workflows in one request.
const WORKFLOWS_MAX: usize = 1000;

/// Reads those that there are.
pub(crate) async fn get(
    store: &Store,
    request: v1::GetWorkflowsRequest,
) -> Result<v1::GetWorkflowsResponse, Failure> {
    let account = account_of(&request.account_id)?;
    if request.workflow_ids.len() > WORKFLOWS_MAX {
        return Err(Failure::because(ErrorCode::InvalidRequest, "too many workflows").at("workflow_ids"));
    }
    // What is not an id names nothing.
    let ids: Vec<WorkflowId> =
        request.workflow_ids.iter().filter_map(|id| WorkflowId::from_slice(id).ok()).collect();
    let mut answer = v1::GetWorkflowsResponse::default();
    for found in store.workflows(account, &ids).await.map_err(|error| failure(&error))? {
        match found.configuration {
            Some(configuration) => answer.workflows.push(v1::Workflow {
                configuration_json: configuration.into(),
                ..found.workflow.to_message()
            }),
            None => answer.left_out.push(found.workflow.workflow_id().to_vec().into()),
        }
    }
    Ok(answer)
}
