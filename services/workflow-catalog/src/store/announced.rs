//! What the streams are known to hold.

use chrono::{DateTime, Utc};
use contracts::v1::WorkflowStatus;
use diesel::sql_types::{Array, BigInt, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::WorkflowId;
use uuid::Uuid;

use super::row::status_code;
use super::{Store, StoreError};

/// A workflow whose state some stream may not hold.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(crate) struct ToAnnounce {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

impl ToAnnounce {
    pub fn workflow_id(self) -> WorkflowId {
        WorkflowId::new(self.id)
    }
}

impl Store {
    /// Notes that every group's stream holds this state.
    pub async fn announced(&self, id: WorkflowId, state_no: i64, incarnation: i64) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        sql_query(
            "UPDATE workflows SET announced_no = $2, announced_incarnation = $3 WHERE id = $1 AND announced_no <= $2",
        )
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<BigInt, _>(state_no)
        .bind::<BigInt, _>(incarnation)
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// Workflows, at most `rows_max`, whose state was changed before `before` and not told, or told to other streams: those that
    /// follow `after`, in the order of their ids.
    pub async fn to_announce(
        &self,
        incarnation: i64,
        before: DateTime<Utc>,
        after: WorkflowId,
        rows_max: i64,
    ) -> Result<Vec<ToAnnounce>, StoreError> {
        let known = [WorkflowStatus::Active, WorkflowStatus::Inactive].map(status_code);
        let mut connection = self.pool.get().await?;
        Ok(sql_query(
            "(SELECT id FROM workflows WHERE announced_no < state_no AND activated_at IS NOT NULL AND state_changed_at < $3 AND id > $5
              ORDER BY id LIMIT $4)
             UNION
             (SELECT id FROM workflows WHERE status = ANY($2) AND announced_incarnation <> $1 AND state_changed_at < $3 AND id > $5
              ORDER BY id LIMIT $4)
             ORDER BY id LIMIT $4",
        )
        .bind::<BigInt, _>(incarnation)
        .bind::<Array<SmallInt>, _>(known.to_vec())
        .bind::<Timestamptz, _>(before)
        .bind::<BigInt, _>(rows_max)
        .bind::<SqlUuid, _>(after.as_uuid())
        .get_results(&mut *connection)
        .await?)
    }
}
