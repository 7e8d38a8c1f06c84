//! How many executions workflows have, from the counters.

use std::collections::HashMap;

use contracts::v1;
use diesel::sql_types::{Array, BigInt, SmallInt, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::WorkflowId;
use pg::Prepare;
use uuid::Uuid;

use super::{ReadError, Reads};
use crate::store::code::count;
use crate::store::commit::SLICE_HOURS;

/// Executions of one workflow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Ended well.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Not over.
    pub running: u64,
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Reads {
    /// The totals of these workflows; those without executions are left out.
    pub async fn totals(&self, workflows: &[WorkflowId]) -> Result<HashMap<WorkflowId, Totals>, ReadError> {
        let ids: Vec<Uuid> = workflows.iter().map(|id| *id.as_uuid()).collect();
        let mut connection = self.pool.get().await?;
        let sums = sql_query(
            "SELECT workflow_id, status, sum(executions)::bigint AS n FROM counters
             WHERE workflow_id = ANY($1) AND hours = $2 GROUP BY 1, 2
             UNION ALL
             SELECT workflow_id, 1::smallint, count(*) FROM running_executions WHERE workflow_id = ANY($1) GROUP BY 1",
        )
        .bind::<Array<SqlUuid>, _>(&ids)
        .bind::<SmallInt, _>(SLICE_HOURS)
        .prepared()
        .get_results::<Sum>(&mut *connection)
        .await?;
        let mut totals: HashMap<WorkflowId, Totals> = HashMap::new();
        for sum in sums {
            let entry = totals.entry(WorkflowId::new(sum.workflow_id)).or_default();
            match v1::ExecutionStatus::try_from(i32::from(sum.status)) {
                Ok(v1::ExecutionStatus::Success) => entry.succeeded += count(sum.n),
                Ok(v1::ExecutionStatus::Failed) => entry.failed += count(sum.n),
                Ok(v1::ExecutionStatus::Running) => entry.running += count(sum.n),
                Ok(v1::ExecutionStatus::Unspecified) | Err(_) => {}
            }
        }
        Ok(totals)
    }
}
