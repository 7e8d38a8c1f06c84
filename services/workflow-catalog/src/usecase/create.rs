//! A new workflow. It is a draft: runners hear of it when it is activated.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::WorkflowId;

use super::references::with_missing_bases;
use super::{account_of, check, failure};
use crate::store::{NewWorkflow, Store};

/// Creates a workflow under this id.
pub(crate) async fn create(
    store: &Store,
    request: v1::CreateWorkflowRequest,
    id: WorkflowId,
    now: DateTime<Utc>,
) -> Result<v1::Workflow, Failure> {
    let account = account_of(&request.account_id)?;
    let (draft, warnings) = check::draft(&request.body_json).await?;
    let warnings = with_missing_bases(store, account, &draft.configuration, warnings).await?;
    let configuration = serde_json::to_vec(&draft.configuration_json)
        .map_err(|error| Failure::because(ErrorCode::InvalidRequest, error.to_string()))?;
    let new = NewWorkflow {
        id,
        account,
        name: draft.name,
        description: draft.description,
        channel: draft.channel.as_str().to_owned(),
        configuration,
        now,
    };
    let stored = store.create(new).await.map_err(|error| failure(&error))?;
    Ok(v1::Workflow { warnings, ..stored.to_message() })
}
