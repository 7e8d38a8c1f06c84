//! Comparing the numbers with what is on record, and putting them right.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, WorkflowId};
use flow_rollup::{Bucket, BucketKey, Span, Visit};
use uuid::Uuid;

use super::buckets::QUARTERS;
use super::{Store, StoreError, by_day, time, visitors};

/// The numbers of a workflow and a span, as stored or as recounted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The buckets.
    pub buckets: BTreeMap<BucketKey, Bucket>,
    /// Who was there.
    pub visits: BTreeSet<Visit>,
}

/// Buckets and visits that take the place of those that are stored, if those are still what they were.
#[derive(Debug, Clone)]
pub(crate) struct Repair {
    /// Whose.
    pub account: AccountId,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// Of which time.
    pub span: Span,
    /// What was stored when it was compared.
    pub stored: Recorded,
    /// What it should be.
    pub right: Recorded,
}

#[derive(QueryableByName)]
struct VisitRow {
    #[diesel(sql_type = Timestamptz)]
    quarter: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    customer: Uuid,
}

impl Store {
    /// What is stored of a workflow and a span.
    pub async fn stored(
        &self,
        account: AccountId,
        workflow: WorkflowId,
        span: Span,
    ) -> Result<Recorded, StoreError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(async move { stored(connection, account, workflow, span).await })
            })
            .await
    }

    /// Puts numbers right. Says whether it did: not when they have changed since they were compared.
    pub async fn repair(&self, repair: Repair) -> Result<bool, StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    let Repair { account, workflow, span, stored: before, right } = repair;
                    // Whoever counts waits meanwhile.
                    sql_query("SELECT 1 FROM progress WHERE id = 1 FOR UPDATE").execute(connection).await?;
                    if stored(connection, account, workflow, span).await? != before {
                        return Ok(false);
                    }
                    QUARTERS.remove(connection, account, workflow, span).await?;
                    visitors::remove(connection, workflow, span).await?;
                    let quarters = right.buckets.keys().map(|key| key.quarter_ms);
                    let visited = right.visits.iter().map(|visit| visit.quarter_ms);
                    super::slices::make_room(connection, quarters.chain(visited)).await?;
                    QUARTERS.add(connection, &right.buckets).await?;
                    by_day::sum(connection, account, workflow, span).await?;
                    visitors::add(connection, &right.visits.into_iter().collect::<Vec<_>>()).await?;
                    Ok(true)
                })
            })
            .await
    }
}

async fn stored(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    workflow: WorkflowId,
    span: Span,
) -> Result<Recorded, StoreError> {
    let buckets = QUARTERS.stored(connection, account, workflow, span).await?;
    let visits: Vec<VisitRow> = sql_query(
        "SELECT quarter, customer FROM visits WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .get_results(connection)
    .await?;
    let visit = |row: VisitRow| Visit {
        workflow,
        quarter_ms: row.quarter.timestamp_millis(),
        customer: row.customer,
    };
    Ok(Recorded { buckets, visits: visits.into_iter().map(visit).collect() })
}
