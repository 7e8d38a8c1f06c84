//! One workflow, one revision.

use contracts::v1::WorkflowStatus;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, SmallInt, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, WorkflowId};
use pg::Prepare;
use uuid::Uuid;

use super::row::{COLUMNS, Revision, StoredWorkflow, status_code};
use super::{Store, StoreError};

/// Configurations of one answer: one more is read while they have fewer bytes. The bus carries more than that and one more.
const CONFIGURATION_BYTES: i64 = 400 * 1024;

/// A workflow that was asked for.
#[derive(Debug, QueryableByName)]
pub(crate) struct Found {
    #[diesel(embed)]
    pub workflow: StoredWorkflow,
    /// None when those before it have filled the answer.
    #[diesel(sql_type = Nullable<Binary>)]
    pub configuration: Option<Vec<u8>>,
}

impl Store {
    /// Those of these workflows that are the account's and are not deleted, with their configurations, as many as fit.
    pub async fn workflows(&self, account: AccountId, ids: &[WorkflowId]) -> Result<Vec<Found>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let query = format!(
            "SELECT {COLUMNS}, CASE WHEN before < $4 THEN configuration END AS configuration FROM (
                SELECT workflows.*, configuration,
                    sum(octet_length(configuration)) OVER (ORDER BY position) - octet_length(configuration) AS before
                FROM UNNEST($1::uuid[]) WITH ORDINALITY AS wanted (wanted_id, position)
                JOIN workflows ON workflows.id = wanted_id AND account_id = $2 AND status <> $3
                JOIN revisions ON workflow_id = workflows.id AND revisions.revision = workflows.revision
             ) AS found"
        );
        Ok(sql_query(query)
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<SmallInt, _>(status_code(WorkflowStatus::Deleted))
            .bind::<BigInt, _>(CONFIGURATION_BYTES)
            .prepared()
            .get_results(&mut *connection)
            .await?)
    }

    /// A workflow of this account that is not deleted.
    pub async fn workflow(&self, account: AccountId, id: WorkflowId) -> Result<StoredWorkflow, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
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
