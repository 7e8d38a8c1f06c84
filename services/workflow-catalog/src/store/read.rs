//! One workflow, one revision.

use contracts::v1::WorkflowStatus;
use diesel::sql_types::{Integer, SmallInt, Uuid as SqlUuid};
use diesel::{OptionalExtension, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, WorkflowId};

use super::row::{COLUMNS, Revision, StoredWorkflow, status_code};
use super::{Store, StoreError};

impl Store {
    /// A workflow of this account that is not deleted.
    pub async fn workflow(&self, account: AccountId, id: WorkflowId) -> Result<StoredWorkflow, StoreError> {
        let mut connection = self.pool.get().await?;
        let query =
            format!("SELECT {COLUMNS} FROM workflows WHERE id = $1 AND account_id = $2 AND status <> $3");
        Ok(sql_query(query)
            .bind::<SqlUuid, _>(id.as_uuid())
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<SmallInt, _>(status_code(WorkflowStatus::Deleted))
            .get_result(&mut *connection)
            .await?)
    }

    /// A revision, also of a deleted workflow: conversations may still be in it.
    pub async fn revision(&self, id: WorkflowId, revision: i32) -> Result<Option<Revision>, StoreError> {
        let mut connection = self.pool.get().await?;
        revision_on(&mut connection, id, revision).await
    }

    /// The account of a workflow, also of a deleted one.
    pub async fn any_workflow(&self, id: WorkflowId) -> Result<StoredWorkflow, StoreError> {
        let mut connection = self.pool.get().await?;
        let query = format!("SELECT {COLUMNS} FROM workflows WHERE id = $1");
        Ok(sql_query(query).bind::<SqlUuid, _>(id.as_uuid()).get_result(&mut *connection).await?)
    }
}

pub(super) async fn revision_on(
    connection: &mut AsyncPgConnection,
    id: WorkflowId,
    revision: i32,
) -> Result<Option<Revision>, StoreError> {
    Ok(sql_query("SELECT channel, configuration FROM revisions WHERE workflow_id = $1 AND revision = $2")
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<Integer, _>(revision)
        .get_result(connection)
        .await
        .optional()?)
}
