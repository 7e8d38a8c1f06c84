//! Comparing the numbers with what is on record, and putting them right.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, Channel, WorkflowId};
use flow_rollup::{Bucket, BucketKey, Span, Visit};
use pg::Prepare;
use uuid::Uuid;

use super::count::{add, sketch};
use super::usage::{COLUMNS, UsageRow};
use super::{Store, StoreError, time};

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
struct BucketRow {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Timestamptz)]
    quarter: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    succeeded: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
    #[diesel(sql_type = BigInt)]
    messages_received: i64,
    #[diesel(sql_type = BigInt)]
    messages_sent: i64,
    #[diesel(sql_type = Binary)]
    durations: Vec<u8>,
    #[diesel(embed)]
    ai: UsageRow,
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
                    remove(connection, account, workflow, span).await?;
                    let quarters = right.buckets.keys().map(|key| key.quarter_ms);
                    let visited = right.visits.iter().map(|visit| visit.quarter_ms);
                    super::slices::make_room(connection, quarters.chain(visited)).await?;
                    add(connection, &right.buckets).await?;
                    add_visits(connection, &right.visits.into_iter().collect::<Vec<_>>()).await?;
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
    let buckets: Vec<BucketRow> = sql_query(format!(
        "SELECT channel, quarter, succeeded, failed, duration_ms, messages_received, messages_sent, durations, {COLUMNS} FROM rollups
         WHERE account_id = $1 AND workflow_id = $2 AND quarter >= $3 AND quarter < $4"
    ))
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .get_results(connection)
    .await?;
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
    Ok(Recorded {
        buckets: buckets.into_iter().filter_map(|row| bucket(account, workflow, &row)).collect(),
        visits: visits.into_iter().map(visit).collect(),
    })
}

fn bucket(account: AccountId, workflow: WorkflowId, row: &BucketRow) -> Option<(BucketKey, Bucket)> {
    let channel = row.channel.parse::<Channel>().ok()?;
    let key = BucketKey { account, workflow, channel, quarter_ms: row.quarter.timestamp_millis() };
    let bucket = Bucket {
        succeeded: row.succeeded,
        failed: row.failed,
        duration_ms: row.duration_ms,
        messages_received: row.messages_received,
        messages_sent: row.messages_sent,
        durations: sketch(&row.durations, &key),
        ai: (&row.ai).into(),
    };
    Some((key, bucket))
}

async fn remove(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    workflow: WorkflowId,
    span: Span,
) -> Result<(), StoreError> {
    sql_query(
        "DELETE FROM rollups WHERE account_id = $1 AND workflow_id = $2 AND quarter >= $3 AND quarter < $4",
    )
    .bind::<SqlUuid, _>(account.as_uuid())
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .execute(connection)
    .await?;
    sql_query("DELETE FROM visits WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3")
        .bind::<SqlUuid, _>(workflow.as_uuid())
        .bind::<Timestamptz, _>(time(span.start_ms))
        .bind::<Timestamptz, _>(time(span.end_ms))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes who was there.
pub(super) async fn add_visits(
    connection: &mut AsyncPgConnection,
    visits: &[Visit],
) -> Result<(), StoreError> {
    sql_query(
        "INSERT INTO visits (workflow_id, quarter, customer)
         SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[]) ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(visits.iter().map(|visit| *visit.workflow.as_uuid()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(visits.iter().map(|visit| time(visit.quarter_ms)).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(visits.iter().map(|visit| visit.customer).collect::<Vec<_>>())
    .prepared()
    .execute(connection)
    .await?;
    Ok(())
}
