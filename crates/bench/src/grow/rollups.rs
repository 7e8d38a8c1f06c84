//! The aggregator's numbers of what is filled in: the same buckets that its events would have given.

use std::collections::BTreeMap;

use flow_model::{AccountId, Channel, WorkflowId};
use flow_rollup::bucket::quarter_of;
use flow_rollup::{Bucket, BucketKey, by_day};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::draw::Drawn;
use super::fill::time;
use super::samples::{self, Samples};
use crate::number::index;

/// Counts executions by workflow and quarter of an hour.
pub(super) fn fold(drawn: &[Drawn], samples: &Samples, workflows: &[Uuid]) -> BTreeMap<BucketKey, Bucket> {
    let [of_success, of_failed] = &samples.replies;
    let mut buckets: BTreeMap<BucketKey, Bucket> = BTreeMap::new();
    for one in drawn {
        let key = BucketKey {
            account: AccountId::new(samples.account),
            workflow: WorkflowId::new(workflows.get(one.workflow).copied().unwrap_or_default()),
            channel: Channel::Web,
            quarter_ms: quarter_of(one.started_at_ms),
        };
        let replies = if one.failed { of_failed } else { of_success };
        let bucket = buckets.entry(key).or_default();
        bucket.succeeded += i64::from(!one.failed);
        bucket.failed += i64::from(one.failed);
        bucket.duration_ms += one.duration_ms;
        bucket.durations.add(one.duration_ms);
        bucket.messages_received += 1;
        bucket.messages_sent += replies.get(index(one.repeats % samples::EACH)).copied().unwrap_or(0);
    }
    buckets
}

/// Puts buckets in the place of those that are stored, by quarter of an hour and by day. They are all of their days.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    buckets: &BTreeMap<BucketKey, Bucket>,
) -> Result<(), tokio_postgres::Error> {
    write_into(transaction, "metrics.rollups", "quarter", buckets).await?;
    write_into(transaction, "metrics.rollups_by_day", "day", &by_day(buckets)).await
}

async fn write_into(
    transaction: &Transaction<'_>,
    table: &str,
    begins: &str,
    buckets: &BTreeMap<BucketKey, Bucket>,
) -> Result<(), tokio_postgres::Error> {
    let numbers = |of: fn(&Bucket) -> i64| buckets.values().map(of).collect::<Vec<i64>>();
    let accounts: Vec<Uuid> = buckets.keys().map(|key| *key.account.as_uuid()).collect();
    let workflows: Vec<Uuid> = buckets.keys().map(|key| *key.workflow.as_uuid()).collect();
    let channels: Vec<&str> = buckets.keys().map(|key| key.channel.as_str()).collect();
    let times: Vec<_> = buckets.keys().map(|key| time(key.quarter_ms)).collect();
    let durations: Vec<Vec<u8>> = buckets.values().map(|bucket| bucket.durations.to_bytes()).collect();
    let (succeeded, failed) = (numbers(|bucket| bucket.succeeded), numbers(|bucket| bucket.failed));
    let duration = numbers(|bucket| bucket.duration_ms);
    let received = numbers(|bucket| bucket.messages_received);
    let sent = numbers(|bucket| bucket.messages_sent);
    let columns: [&(dyn ToSql + Sync); 10] = [
        &accounts, &workflows, &channels, &times, &succeeded, &failed, &duration, &received, &sent,
        &durations,
    ];
    let statement = format!(
        "INSERT INTO {table} (account_id, workflow_id, channel, {begins}, succeeded, failed, duration_ms, messages_received,
            messages_sent, durations)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bytea[])
         ON CONFLICT (account_id, workflow_id, {begins}, channel) DO UPDATE SET succeeded = EXCLUDED.succeeded,
            failed = EXCLUDED.failed, duration_ms = EXCLUDED.duration_ms, messages_received = EXCLUDED.messages_received,
            messages_sent = EXCLUDED.messages_sent, durations = EXCLUDED.durations"
    );
    transaction.execute(&statement, &columns).await?;
    Ok(())
}
