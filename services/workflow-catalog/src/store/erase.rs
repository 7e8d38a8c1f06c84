//! Deleted workflows, until the last trace of them is gone.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use flow_model::WorkflowId;

use super::row::COLUMNS;
use super::{Store, StoreError, StoredWorkflow};

impl Store {
    /// Workflows, at most `rows_max`, that were deleted before `before` and whose deletion every stream holds.
    pub async fn to_erase(
        &self,
        before: DateTime<Utc>,
        rows_max: i64,
    ) -> Result<Vec<StoredWorkflow>, StoreError> {
        let mut connection = self.pool.get().await?;
        let query = format!(
            "SELECT {COLUMNS} FROM workflows WHERE status = 4 AND state_changed_at < $1
             AND (announced_no = state_no OR activated_at IS NULL) ORDER BY state_changed_at LIMIT $2"
        );
        Ok(sql_query(query)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(rows_max)
            .get_results(&mut *connection)
            .await?)
    }

    /// Removes a deleted workflow and its revisions.
    pub async fn erase(&self, id: WorkflowId) -> Result<(), StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    for statement in [
                        "DELETE FROM revisions WHERE workflow_id = $1",
                        "DELETE FROM workflows WHERE id = $1 AND status = 4",
                    ] {
                        sql_query(statement).bind::<SqlUuid, _>(id.as_uuid()).execute(connection).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
