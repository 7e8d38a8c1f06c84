//! Erasing the numbers of a workflow that was deleted.

use diesel::sql_query;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, WorkflowId};

use super::{Store, StoreError};

/// Tables with rows of workflows, and their keys.
const TABLES: [(&str, &str); 6] = [
    ("visits", "workflow_id, quarter, customer"),
    ("visitors", "workflow_id, customer"),
    ("returns", "workflow_id, width, last_day, day"),
    ("days_to_sum", "account_id, workflow_id, day"),
    ("rollups_by_day", "account_id, workflow_id, day, channel"),
    ("rollups", "account_id, workflow_id, quarter, channel"),
];

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
                    let mut most: usize = 0;
                    for (table, key) in TABLES {
                        most =
                            most.max(erase_from(connection, table, key, account, workflow, rows_max).await?);
                    }
                    Ok(most < rows_max as usize)
                })
            })
            .await
    }
}

async fn erase_from(
    connection: &mut AsyncPgConnection,
    table: &str,
    key: &str,
    account: AccountId,
    workflow: WorkflowId,
    rows_max: u32,
) -> Result<usize, StoreError> {
    // Customers are the workflow's alone.
    let whose = if key.starts_with("account_id") {
        "account_id = $1 AND workflow_id = $2"
    } else {
        "$1 IS NOT NULL AND workflow_id = $2"
    };
    let removed = sql_query(format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {whose} LIMIT $3)"
    ))
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<BigInt, _>(i64::from(rows_max))
    .execute(connection)
    .await?;
    Ok(removed)
}
