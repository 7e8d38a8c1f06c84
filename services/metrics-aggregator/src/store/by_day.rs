//! Numbers by UTC day, where they do not come from counting: summed up from the quarters of a day.
//!
//! Days from before there were numbers by day are listed in `days_to_sum`; a day leaves the list in the transaction that
//! sums it. Counting goes on meanwhile: what it has added to such a day is replaced by the sum, which has it, too.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, WorkflowId};
use flow_rollup::day::{begin_ms, day_of};
use flow_rollup::{DAY_MS, Span, by_day};
use uuid::Uuid;

use super::buckets::{DAYS, QUARTERS};
use super::{Store, StoreError};

/// Days that are summed in one transaction: whoever counts waits meanwhile.
const DAYS_MAX: i64 = 20;

#[derive(QueryableByName)]
struct ToSumRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    day: DateTime<Utc>,
}

impl Store {
    /// Sums some of the days that are still to be summed. Says whether there may be more.
    pub async fn sum_days(&self) -> Result<bool, StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    sql_query("SELECT 1 FROM progress WHERE id = 1 FOR UPDATE").execute(connection).await?;
                    let rows: Vec<ToSumRow> = sql_query(
                        "DELETE FROM days_to_sum WHERE (account_id, workflow_id, day) IN
                         (SELECT account_id, workflow_id, day FROM days_to_sum LIMIT $1) RETURNING account_id, workflow_id, day",
                    )
                    .bind::<BigInt, _>(DAYS_MAX)
                    .get_results(connection)
                    .await?;
                    for row in &rows {
                        let start_ms = row.day.timestamp_millis();
                        let day = Span { start_ms, end_ms: start_ms + DAY_MS };
                        let (account, workflow) =
                            (AccountId::new(row.account_id), WorkflowId::new(row.workflow_id));
                        sum(connection, account, workflow, day).await?;
                    }
                    Ok(!rows.is_empty())
                })
            })
            .await
    }
}

/// Puts sums of quarters in the place of what is stored of all days that a span touches. The caller holds the row of
/// `progress`.
pub(super) async fn sum(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    workflow: WorkflowId,
    span: Span,
) -> Result<(), StoreError> {
    let days = days_around(span);
    let quarters = QUARTERS.stored(connection, account, workflow, days).await?;
    DAYS.remove(connection, account, workflow, days).await?;
    DAYS.add(connection, &by_day(&quarters)).await
}

/// The whole UTC days that a span touches.
pub(super) fn days_around(span: Span) -> Span {
    Span { start_ms: begin_ms(day_of(span.start_ms)), end_ms: begin_ms(day_of(span.end_ms + DAY_MS - 1)) }
}
