//! Adding a folded batch to the numbers.

use std::collections::{BTreeMap, HashMap};

use diesel::sql_types::{Array, BigInt, Binary, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_rollup::{Bucket, BucketKey, Fold, Sketch};
use pg::Prepare;

use super::{Progress, Store, StoreError, big, int, time};

#[derive(QueryableByName)]
struct DurationsRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Binary)]
    durations: Vec<u8>,
}

impl Store {
    /// Adds what was folded and moves on, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when the numbers do not stand at `from` any more.
    pub async fn count(&self, from: Progress, to: Progress, fold: Fold) -> Result<(), StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    // First, so that a second aggregator waits here and then finds that it has lost.
                    move_on(connection, from, to).await?;
                    keep_reached(connection, &fold).await?;
                    let quarters = fold.changes().keys().map(|key| key.quarter_ms);
                    let visited = fold.visits().iter().map(|visit| visit.quarter_ms);
                    super::slices::make_room(connection, quarters.chain(visited)).await?;
                    add(connection, fold.changes()).await?;
                    let visits: Vec<_> = fold.visits().iter().copied().collect();
                    super::repair::add_visits(connection, &visits).await
                })
            })
            .await
    }
}

async fn move_on(connection: &mut AsyncPgConnection, from: Progress, to: Progress) -> Result<(), StoreError> {
    let moved = sql_query(
        "UPDATE progress SET incarnation = $3, stream_seq = $4 WHERE id = 1 AND incarnation = $1 AND stream_seq = $2",
    )
    .bind::<BigInt, _>(from.incarnation)
    .bind::<BigInt, _>(big(from.stream_seq))
    .bind::<BigInt, _>(to.incarnation)
    .bind::<BigInt, _>(big(to.stream_seq))
    .prepared()
    .execute(connection)
    .await?;
    if moved == 1 { Ok(()) } else { Err(StoreError::Moved) }
}

async fn keep_reached(connection: &mut AsyncPgConnection, fold: &Fold) -> Result<(), StoreError> {
    let (mut partitions, mut commits, mut indexes, mut times) = (vec![], vec![], vec![], vec![]);
    for (partition, reached) in fold.moved() {
        partitions.push(int(partition));
        commits.push(big(reached.place.commit_no));
        indexes.push(int(reached.place.index));
        times.push(time(reached.at_ms));
    }
    sql_query(
        "INSERT INTO reached AS stored (partition, commit_no, index, at)
         SELECT * FROM UNNEST($1::int[], $2::bigint[], $3::int[], $4::timestamptz[])
         ON CONFLICT (partition) DO UPDATE SET commit_no = EXCLUDED.commit_no, index = EXCLUDED.index, at = EXCLUDED.at
         WHERE (stored.commit_no, stored.index) < (EXCLUDED.commit_no, EXCLUDED.index)",
    )
    .bind::<Array<Integer>, _>(partitions)
    .bind::<Array<BigInt>, _>(commits)
    .bind::<Array<Integer>, _>(indexes)
    .bind::<Array<Timestamptz>, _>(times)
    .prepared()
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds to the buckets. The caller holds the row of `progress`, so nobody else changes them meanwhile.
pub(super) async fn add(
    connection: &mut AsyncPgConnection,
    changes: &BTreeMap<BucketKey, Bucket>,
) -> Result<(), StoreError> {
    let durations = merged_durations(connection, changes).await?;
    let numbers = |of: fn(&Bucket) -> i64| changes.values().map(of).collect::<Vec<i64>>();
    sql_query(
        "INSERT INTO rollups AS stored (account_id, workflow_id, channel, quarter, succeeded, failed, duration_ms,
            messages_received, messages_sent, durations, ai_answers, ai_fallbacks, ai_prompt_tokens, ai_completion_tokens, ai_cost_micros)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
         ON CONFLICT (account_id, workflow_id, quarter, channel) DO UPDATE SET
            succeeded = stored.succeeded + EXCLUDED.succeeded, failed = stored.failed + EXCLUDED.failed,
            duration_ms = stored.duration_ms + EXCLUDED.duration_ms,
            messages_received = stored.messages_received + EXCLUDED.messages_received,
            messages_sent = stored.messages_sent + EXCLUDED.messages_sent, durations = EXCLUDED.durations,
            ai_answers = stored.ai_answers + EXCLUDED.ai_answers, ai_fallbacks = stored.ai_fallbacks + EXCLUDED.ai_fallbacks,
            ai_prompt_tokens = stored.ai_prompt_tokens + EXCLUDED.ai_prompt_tokens,
            ai_completion_tokens = stored.ai_completion_tokens + EXCLUDED.ai_completion_tokens,
            ai_cost_micros = stored.ai_cost_micros + EXCLUDED.ai_cost_micros",
    )
    .bind::<Array<SqlUuid>, _>(accounts(changes))
    .bind::<Array<SqlUuid>, _>(workflows(changes))
    .bind::<Array<Text>, _>(channels(changes))
    .bind::<Array<Timestamptz>, _>(quarters(changes))
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
    connection: &mut AsyncPgConnection,
    changes: &BTreeMap<BucketKey, Bucket>,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let stored: Vec<DurationsRow> = sql_query(
        "SELECT wanted.position, durations FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
            WITH ORDINALITY AS wanted (account_id, workflow_id, channel, quarter, position)
         JOIN rollups USING (account_id, workflow_id, channel, quarter)",
    )
    .bind::<Array<SqlUuid>, _>(accounts(changes))
    .bind::<Array<SqlUuid>, _>(workflows(changes))
    .bind::<Array<Text>, _>(channels(changes))
    .bind::<Array<Timestamptz>, _>(quarters(changes))
    .prepared()
    .get_results(connection)
    .await?;
    let stored: HashMap<i64, Vec<u8>> = stored.into_iter().map(|row| (row.position, row.durations)).collect();
    let merged = (1..).zip(changes).map(|(position, (key, bucket))| {
        let mut durations = stored.get(&position).map(|bytes| sketch(bytes, key)).unwrap_or_default();
        durations.merge(&bucket.durations);
        durations.to_bytes()
    });
    Ok(merged.collect())
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

fn quarters(changes: &Changes) -> Vec<chrono::DateTime<chrono::Utc>> {
    changes.keys().map(|key| time(key.quarter_ms)).collect()
}
