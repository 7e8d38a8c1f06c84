//! Erasing what is kept of a workflow that was deleted, and of a customer who is to be forgotten.

mod customer;

use diesel::sql_query;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use flow_model::{AccountId, WorkflowId};
use pg::Pool;

use super::read::ReadError;

/// Removes rows.
#[derive(Debug, Clone)]
pub(crate) struct Erasing {
    pool: Pool,
}

impl Erasing {
    /// Over these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Removes executions of a workflow, at most `rows_max`, and its counters when none is left. Says whether nothing is.
    pub async fn erase(
        &self,
        account: AccountId,
        workflow: WorkflowId,
        rows_max: u32,
    ) -> Result<bool, ReadError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    let erased = sql_query(
                        "DELETE FROM executions WHERE (id, started_at) IN (SELECT id, started_at FROM executions
                         WHERE workflow_id = $1 AND account_id = $2 LIMIT $3)",
                    )
                    .bind::<SqlUuid, _>(workflow.as_uuid())
                    .bind::<SqlUuid, _>(account.as_uuid())
                    .bind::<BigInt, _>(i64::from(rows_max))
                    .execute(connection)
                    .await?;
                    if erased == rows_max as usize {
                        return Ok(false);
                    }
                    sql_query("DELETE FROM counters WHERE workflow_id = $1")
                        .bind::<SqlUuid, _>(workflow.as_uuid())
                        .execute(connection)
                        .await?;
                    Ok(true)
                })
            })
            .await
    }
}
