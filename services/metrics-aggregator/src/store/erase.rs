//! Erasing the numbers of a workflow that was deleted.

use diesel::sql_query;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use flow_model::{AccountId, WorkflowId};

use super::{Store, StoreError};

impl Store {
    /// Removes rows of a workflow, at most `rows_max` of each kind. Says whether nothing is left.
    pub async fn erase(
        &self,
        account: AccountId,
        workflow: WorkflowId,
        rows_max: u32,
    ) -> Result<bool, StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    let visits = sql_query(
                        "DELETE FROM visits WHERE (workflow_id, quarter, customer) IN
                         (SELECT workflow_id, quarter, customer FROM visits WHERE workflow_id = $1 LIMIT $2)",
                    )
                    .bind::<SqlUuid, _>(workflow.as_uuid())
                    .bind::<BigInt, _>(i64::from(rows_max))
                    .execute(connection)
                    .await?;
                    let buckets = sql_query(
                        "DELETE FROM rollups WHERE (account_id, workflow_id, quarter, channel) IN
                         (SELECT account_id, workflow_id, quarter, channel FROM rollups
                          WHERE account_id = $1 AND workflow_id = $2 LIMIT $3)",
                    )
                    .bind::<SqlUuid, _>(account.as_uuid())
                    .bind::<SqlUuid, _>(workflow.as_uuid())
                    .bind::<BigInt, _>(i64::from(rows_max))
                    .execute(connection)
                    .await?;
                    Ok(visits.max(buckets) < rows_max as usize)
                })
            })
            .await
    }
}
