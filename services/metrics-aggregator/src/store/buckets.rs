//! Tables of buckets: by quarter of an hour, and by UTC day.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, Channel, WorkflowId};
use flow_rollup::{Bucket, BucketKey, Sketch, Span};
use pg::Prepare;

use super::numbers::{COLUMNS, NumbersRow};
use super::{StoreError, time};

/// A table of buckets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buckets {
    /// Its name.
    pub table: &'static str,
    /// The column that says when a bucket begins.
    pub begins: &'static str,
}

/// By quarter of an hour.
pub(super) const QUARTERS: Buckets = Buckets { table: "rollups", begins: "quarter" };
/// By UTC day.
pub(super) const DAYS: Buckets = Buckets { table: "rollups_by_day", begins: "day" };

#[derive(QueryableByName)]
struct DurationsRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Binary)]
    durations: Vec<u8>,
}

#[derive(QueryableByName)]
struct BucketRow {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Timestamptz)]
    begins: DateTime<Utc>,
    #[diesel(sql_type = Binary)]
    durations: Vec<u8>,
    #[diesel(embed)]
    numbers: NumbersRow,
}

impl Buckets {
    /// Adds to the buckets. The caller holds the row of `progress`, so nobody else changes them meanwhile.
    pub async fn add(self, connection: &mut AsyncPgConnection, changes: &Changes) -> Result<(), StoreError> {
        let Self { table, begins } = self;
        let durations = self.merged_durations(connection, changes).await?;
        let numbers = |of: fn(&Bucket) -> i64| changes.values().map(of).collect::<Vec<i64>>();
        sql_query(format!(
            "INSERT INTO {table} AS stored (account_id, workflow_id, channel, {begins}, succeeded, failed, duration_ms,
                messages_received, messages_sent, durations, ai_answers, ai_fallbacks, ai_prompt_tokens, ai_completion_tokens, ai_cost_micros)
             SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
             ON CONFLICT (account_id, workflow_id, {begins}, channel) DO UPDATE SET
                succeeded = stored.succeeded + EXCLUDED.succeeded, failed = stored.failed + EXCLUDED.failed,
                duration_ms = stored.duration_ms + EXCLUDED.duration_ms,
                messages_received = stored.messages_received + EXCLUDED.messages_received,
                messages_sent = stored.messages_sent + EXCLUDED.messages_sent, durations = EXCLUDED.durations,
                ai_answers = stored.ai_answers + EXCLUDED.ai_answers, ai_fallbacks = stored.ai_fallbacks + EXCLUDED.ai_fallbacks,
                ai_prompt_tokens = stored.ai_prompt_tokens + EXCLUDED.ai_prompt_tokens,
                ai_completion_tokens = stored.ai_completion_tokens + EXCLUDED.ai_completion_tokens,
                ai_cost_micros = stored.ai_cost_micros + EXCLUDED.ai_cost_micros"
        ))
        .bind::<Array<SqlUuid>, _>(accounts(changes))
        .bind::<Array<SqlUuid>, _>(workflows(changes))
        .bind::<Array<Text>, _>(channels(changes))
        .bind::<Array<Timestamptz>, _>(times(changes))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.succeeded))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.failed))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.duration_ms))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.messages_received))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.messages_sent))
        .bind::<Array<Binary>, _>(durations)
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.ai.answers))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.ai.fallbacks))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.ai.prompt_tokens))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.ai.completion_tokens))
        .bind::<Array<BigInt>, _>(numbers(|bucket| bucket.ai.cost_micros))
        .prepared()
        .execute(connection)
        .await?;
        Ok(())
    }

    /// The durations of each changed bucket, with those that are stored.
    async fn merged_durations(
        self,
        connection: &mut AsyncPgConnection,
        changes: &Changes,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let Self { table, begins } = self;
        let stored: Vec<DurationsRow> = sql_query(format!(
            "SELECT wanted.position, durations FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
                WITH ORDINALITY AS wanted (account_id, workflow_id, channel, {begins}, position)
             JOIN {table} USING (account_id, workflow_id, channel, {begins})"
        ))
        .bind::<Array<SqlUuid>, _>(accounts(changes))
        .bind::<Array<SqlUuid>, _>(workflows(changes))
        .bind::<Array<Text>, _>(channels(changes))
        .bind::<Array<Timestamptz>, _>(times(changes))
        .prepared()
        .get_results(connection)
        .await?;
        let stored: HashMap<i64, Vec<u8>> =
            stored.into_iter().map(|row| (row.position, row.durations)).collect();
        let merged = (1..).zip(changes).map(|(position, (key, bucket))| {
            let mut durations = stored.get(&position).map(|bytes| sketch(bytes, key)).unwrap_or_default();
            durations.merge(&bucket.durations);
            durations.to_bytes()
        });
        Ok(merged.collect())
    }

    /// The buckets of a workflow that begin in a span.
    pub async fn stored(
        self,
        connection: &mut AsyncPgConnection,
        account: AccountId,
        workflow: WorkflowId,
        span: Span,
    ) -> Result<Changes, StoreError> {
        let Self { table, begins } = self;
        let rows: Vec<BucketRow> = sql_query(format!(
            "SELECT channel, {begins} AS begins, durations, {COLUMNS}
             FROM {table} WHERE account_id = $1 AND workflow_id = $2 AND {begins} >= $3 AND {begins} < $4"
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<SqlUuid, _>(workflow.as_uuid())
        .bind::<Timestamptz, _>(time(span.start_ms))
        .bind::<Timestamptz, _>(time(span.end_ms))
        .get_results(connection)
        .await?;
        Ok(rows.into_iter().filter_map(|row| bucket(account, workflow, row)).collect())
    }

    /// Removes them.
    pub async fn remove(
        self,
        connection: &mut AsyncPgConnection,
        account: AccountId,
        workflow: WorkflowId,
        span: Span,
    ) -> Result<(), StoreError> {
        let Self { table, begins } = self;
        sql_query(format!(
            "DELETE FROM {table} WHERE account_id = $1 AND workflow_id = $2 AND {begins} >= $3 AND {begins} < $4"
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<SqlUuid, _>(workflow.as_uuid())
        .bind::<Timestamptz, _>(time(span.start_ms))
        .bind::<Timestamptz, _>(time(span.end_ms))
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn bucket(account: AccountId, workflow: WorkflowId, row: BucketRow) -> Option<(BucketKey, Bucket)> {
    let channel = row.channel.parse::<Channel>().ok()?;
    let key = BucketKey { account, workflow, channel, quarter_ms: row.begins.timestamp_millis() };
    let durations = sketch(&row.durations, &key);
    Some((key, row.numbers.with(durations)))
}

/// A stored sketch; one that cannot be read is left behind, with an error in the log.
pub(super) fn sketch(bytes: &[u8], of: &impl std::fmt::Debug) -> Sketch {
    Sketch::from_bytes(bytes).unwrap_or_else(|error| {
        tracing::error!(?of, %error, "stored durations cannot be read");
        Sketch::default()
    })
}

type Changes = BTreeMap<BucketKey, Bucket>;

fn accounts(changes: &Changes) -> Vec<uuid::Uuid> {
    changes.keys().map(|key| *key.account.as_uuid()).collect()
}

fn workflows(changes: &Changes) -> Vec<uuid::Uuid> {
    changes.keys().map(|key| *key.workflow.as_uuid()).collect()
}

fn channels(changes: &Changes) -> Vec<&'static str> {
    changes.keys().map(|key| key.channel.as_str()).collect()
}

fn times(changes: &Changes) -> Vec<DateTime<Utc>> {
    changes.keys().map(|key| time(key.quarter_ms)).collect()
}
