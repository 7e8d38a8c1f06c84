//! Activate, deactivate, delete: committed first, then told to every partition, then answered.

use chrono::{DateTime, Utc};
use contracts::v1::{self, Failure};

use super::announce::Announcer;
use super::{failure, ids};
use crate::store::{StateChange, Store};

/// Changes a workflow's status; from the answer on, the next message of anyone meets the new one.
pub(crate) async fn change(
    store: &Store,
    announcer: &Announcer,
    (account, workflow): (&[u8], &[u8]),
    change: StateChange,
    if_match: String,
    now: DateTime<Utc>,
) -> Result<v1::Workflow, Failure> {
    let (account, id) = ids(account, workflow)?;
    let stored =
        store.change_state(account, id, change, if_match, now).await.map_err(|error| failure(&error))?;
    announcer.announce_if_needed(&stored).await?;
    Ok(stored.to_message())
}
