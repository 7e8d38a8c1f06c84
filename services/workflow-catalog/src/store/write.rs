//! Changes of workflows. Each is one transaction on the workflow's row, so two of them never mix.

use chrono::{DateTime, Utc};
use contracts::v1::WorkflowStatus;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, WorkflowId};

use super::read::revision_on;
use super::row::{COLUMNS, StoredWorkflow, folded, status_code};
use super::{Store, StoreError};

/// A workflow to be.
#[derive(Debug, Clone)]
pub(crate) struct NewWorkflow {
    pub id: WorkflowId,
    pub account: AccountId,
    pub name: String,
    pub description: String,
    pub channel: String,
    pub configuration: Vec<u8>,
    pub now: DateTime<Utc>,
}

/// Changes by a user; what is absent stays.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub name: Option<String>,
    pub description: Option<String>,
    pub channel: Option<String>,
    pub configuration: Option<Vec<u8>>,
    /// The channel that the configuration was checked with.
    pub checked_with: String,
    /// The version that the caller has read; any when it is empty.
    pub if_match: String,
    pub now: DateTime<Utc>,
}

/// A change of a workflow's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateChange {
    /// It starts conversations from now on.
    Activate,
    /// It starts nothing more; `cancel` ends those that wait in it.
    Deactivate { cancel: bool },
    /// It is gone, and those that wait in it are over.
    Delete,
}

fn name_key(name: &str) -> String {
    folded(name.trim())
}

fn search_text(name: &str, description: &str) -> String {
    folded(&format!("{name}\n{description}"))
}

impl Store {
    /// Adds a workflow with its first revision.
    pub async fn create(&self, new: NewWorkflow) -> Result<StoredWorkflow, StoreError> {
        self.pool
            .run_of(*new.account.as_uuid(), move |connection| {
                Box::pin(async move {
                    let query = format!(
                        "INSERT INTO workflows (id, account_id, name, name_key, description, search_text, channel, status, revision,
                            state_changed_at, created_at, updated_at)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9, $9) RETURNING {COLUMNS}"
                    );
                    let stored: StoredWorkflow = sql_query(query)
                        .bind::<SqlUuid, _>(new.id.as_uuid())
                        .bind::<SqlUuid, _>(new.account.as_uuid())
                        .bind::<Text, _>(&new.name)
                        .bind::<Text, _>(name_key(&new.name))
                        .bind::<Text, _>(&new.description)
                        .bind::<Text, _>(search_text(&new.name, &new.description))
                        .bind::<Text, _>(&new.channel)
                        .bind::<SmallInt, _>(status_code(WorkflowStatus::Draft))
                        .bind::<Timestamptz, _>(new.now)
                        .get_result(connection)
                        .await?;
                    add_revision(connection, &stored, &new.configuration, new.now).await?;
                    Ok(stored)
                })
            })
            .await
    }

    /// Changes a workflow. A configuration or channel that is another makes a new revision; of an active workflow it is
    /// a new state too.
    pub async fn update(
        &self,
        account: AccountId,
        id: WorkflowId,
        update: Update,
    ) -> Result<StoredWorkflow, StoreError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(async move {
                    let stored = locked(connection, account, id).await?;
                    require_version(&stored, &update.if_match)?;
                    if update.configuration.is_some() && update.channel.is_none() && stored.channel != update.checked_with {
                        return Err(StoreError::Conflict("The workflow was changed at the same time"));
                    }
                    let current = revision_on(connection, id, stored.revision).await?;
                    let current = current.map(|revision| revision.configuration).unwrap_or_default();
                    let channel = update.channel.unwrap_or_else(|| stored.channel.clone());
                    let configuration = update.configuration.unwrap_or_else(|| current.clone());
                    let revised = channel != stored.channel || !same_document(&configuration, &current);
                    let name = update.name.unwrap_or_else(|| stored.name.clone());
                    let description = update.description.unwrap_or_else(|| stored.description.clone());
                    let announce = revised && stored.status() == WorkflowStatus::Active;
                    let query = format!(
                        "UPDATE workflows SET name = $2, name_key = $3, description = $4, search_text = $5, channel = $6,
                            revision = revision + $7, state_no = state_no + $8, updated_at = GREATEST($9, updated_at + interval '1 ms'),
                            state_changed_at = CASE WHEN $8 > 0 THEN $9 ELSE state_changed_at END
                         WHERE id = $1 RETURNING {COLUMNS}"
                    );
                    let changed: StoredWorkflow = sql_query(query)
                        .bind::<SqlUuid, _>(id.as_uuid())
                        .bind::<Text, _>(&name)
                        .bind::<Text, _>(name_key(&name))
                        .bind::<Text, _>(&description)
                        .bind::<Text, _>(search_text(&name, &description))
                        .bind::<Text, _>(&channel)
                        .bind::<Integer, _>(i32::from(revised))
                        .bind::<BigInt, _>(i64::from(announce))
                        .bind::<Timestamptz, _>(update.now)
                        .get_result(connection)
                        .await?;
                    if revised {
                        add_revision(connection, &changed, &configuration, update.now).await?;
                    }
                    Ok(changed)
                })
            })
            .await
    }

    /// Changes a workflow's status; gives it as it is then, also when nothing had to change.
    pub async fn change_state(
        &self,
        account: AccountId,
        id: WorkflowId,
        change: StateChange,
        if_match: String,
        now: DateTime<Utc>,
    ) -> Result<StoredWorkflow, StoreError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(async move {
                    let stored = locked(connection, account, id).await?;
                    require_version(&stored, &if_match)?;
                    let Some(next) = next_state(&stored, change)? else { return Ok(stored) };
                    let query = format!(
                        "UPDATE workflows SET status = $2, state_no = state_no + 1, state_changed_at = $3,
                            cancel_before_state_no = CASE WHEN $4 THEN state_no + 1 ELSE cancel_before_state_no END,
                            activated_at = COALESCE($5, activated_at), deactivated_at = COALESCE($6, deactivated_at)
                         WHERE id = $1 RETURNING {COLUMNS}"
                    );
                    Ok(sql_query(query)
                        .bind::<SqlUuid, _>(id.as_uuid())
                        .bind::<SmallInt, _>(status_code(next.status))
                        .bind::<Timestamptz, _>(now)
                        .bind::<diesel::sql_types::Bool, _>(next.cancel)
                        .bind::<Nullable<Timestamptz>, _>(next.activated.then_some(now))
                        .bind::<Nullable<Timestamptz>, _>(next.deactivated.then_some(now))
                        .get_result(connection)
                        .await?)
                })
            })
            .await
    }
}

/// What a row becomes.
struct Next {
    status: WorkflowStatus,
    cancel: bool,
    activated: bool,
    deactivated: bool,
}

/// `draft –activate→ active –deactivate→ inactive –activate→ active`, any of them `–delete→ deleted`. None when the
/// workflow is as wanted already.
fn next_state(stored: &StoredWorkflow, change: StateChange) -> Result<Option<Next>, StoreError> {
    let was = stored.status();
    Ok(match change {
        StateChange::Activate => (was != WorkflowStatus::Active).then_some(Next {
            status: WorkflowStatus::Active,
            cancel: false,
            activated: true,
            deactivated: false,
        }),
        StateChange::Deactivate { .. } if was == WorkflowStatus::Draft => {
            return Err(StoreError::Conflict("The workflow was never activated"));
        }
        StateChange::Deactivate { cancel } => (was == WorkflowStatus::Active || cancel).then_some(Next {
            status: WorkflowStatus::Inactive,
            cancel,
            activated: false,
            deactivated: was == WorkflowStatus::Active,
        }),
        StateChange::Delete => {
            Some(Next { status: WorkflowStatus::Deleted, cancel: true, activated: false, deactivated: false })
        }
    })
}

async fn locked(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    id: WorkflowId,
) -> Result<StoredWorkflow, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM workflows WHERE id = $1 AND account_id = $2 AND status <> $3 FOR UPDATE"
    );
    Ok(sql_query(query)
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<SmallInt, _>(status_code(WorkflowStatus::Deleted))
        .get_result(connection)
        .await?)
}

/// RFC 9110 §13.1.1: one of the listed versions must be the stored one, `*` is any.
fn require_version(stored: &StoredWorkflow, if_match: &str) -> Result<(), StoreError> {
    let etag = stored.etag();
    let fits = if_match.is_empty()
        || if_match.split(',').map(str::trim).any(|version| version == "*" || version == etag);
    if fits { Ok(()) } else { Err(StoreError::OtherVersion) }
}

async fn add_revision(
    connection: &mut AsyncPgConnection,
    stored: &StoredWorkflow,
    configuration: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sql_query(
        "INSERT INTO revisions (workflow_id, revision, channel, configuration, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<SqlUuid, _>(stored.id)
    .bind::<Integer, _>(stored.revision)
    .bind::<Text, _>(&stored.channel)
    .bind::<Binary, _>(configuration)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether two documents say the same, whatever the order of their fields.
fn same_document(one: &[u8], other: &[u8]) -> bool {
    let read = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    one == other || read(one).is_some_and(|document| Some(document) == read(other))
}
