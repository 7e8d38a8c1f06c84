//! A user's changes. Of an active workflow they are told to the runners before the user hears that they are made.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::Channel;

use super::announce::Announcer;
use super::references::with_missing_bases;
use super::{check, failure, ids};
use crate::store::{Store, Update};

/// Changes a workflow.
pub(crate) async fn update(
    store: &Store,
    announcer: &Announcer,
    request: v1::UpdateWorkflowRequest,
    now: DateTime<Utc>,
) -> Result<v1::Workflow, Failure> {
    let (account, id) = ids(&request.account_id, &request.workflow_id)?;
    let stored = store.workflow(account, id).await.map_err(|error| failure(&error))?;
    let channel: Channel = stored.channel.parse().map_err(|_| Failure::of(ErrorCode::InternalError))?;
    let (patch, warnings) = check::patch(&request.body_json, channel).await?;
    let (configuration, warnings) = match patch.configuration {
        Some((document, read)) => {
            let bytes = serde_json::to_vec(&document)
                .map_err(|error| Failure::because(ErrorCode::InvalidRequest, error.to_string()))?;
            (Some(bytes), with_missing_bases(store, account, &read, warnings).await?)
        }
        None => (None, warnings),
    };
    let update = Update {
        name: patch.name,
        description: patch.description,
        channel: patch.channel.map(|channel| channel.as_str().to_owned()),
        configuration,
        checked_with: stored.channel,
        if_match: request.if_match,
        now,
    };
    let changed = store.update(account, id, update).await.map_err(|error| failure(&error))?;
    announcer.announce_if_needed(&changed).await?;
    Ok(v1::Workflow { warnings, ..changed.to_message() })
}
