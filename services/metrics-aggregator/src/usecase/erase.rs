//! Erasing the numbers of a workflow that was deleted: the catalog asks when nobody can see them any more.

use contracts::v1::{self, Failure};

use super::{failure, ids};
use crate::store::Store;

/// Rows of a kind removed in one transaction.
const ROWS_MAX: u32 = 5000;

/// Removes a part.
pub(crate) async fn erase(
    store: &Store,
    request: v1::EraseWorkflowRequest,
) -> Result<v1::EraseWorkflowResponse, Failure> {
    let (account, workflow) = ids(&request.account_id, &request.workflow_id)?;
    let done = store.erase(account, workflow, ROWS_MAX).await.map_err(|error| failure(&error))?;
    Ok(v1::EraseWorkflowResponse { done })
}
