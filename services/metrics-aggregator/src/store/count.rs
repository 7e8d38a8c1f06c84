//! Adding a folded batch to the numbers.

use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_rollup::{Fold, by_day};
use pg::Prepare;

use super::buckets::{DAYS, QUARTERS};
use super::{Progress, Store, StoreError, big, int, time, visitors};

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
                    QUARTERS.add(connection, fold.changes()).await?;
                    DAYS.add(connection, &by_day(fold.changes())).await?;
                    let visits: Vec<_> = fold.visits().iter().copied().collect();
                    visitors::add(connection, &visits).await
                })
            })
            .await
    }
}

async fn move_on(connection: &mut AsyncPgConnection, from: Progress, to: Progress) -> Result<(), StoreError> {
    let moved = sql_query(
        "UPDATE progress SET incarnation = $3, seq = $4 WHERE id = 1 AND incarnation = $1 AND seq = $2",
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
