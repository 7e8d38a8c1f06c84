//! Telling again what commits of a span had to tell.
//!
//! `told –reopened→ open –its partition is given back, and taken over→ told again`. First the outbox rows are opened again, so
//! many at once; nobody looks at them as long as the partition's owner is the same. Then, in one transaction, what was
//! closed meanwhile is opened, too, and the partitions are taken from their owners. Who takes them over tells all open rows
//! in order before anything newer. A crash before that transaction leaves open rows, which the next take-over tells.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use pg::Pool;

use super::code::{count, time};
use super::read::ReadError;

/// Rows opened in one transaction.
const ROWS_MAX: i64 = 10_000;

const PARTITIONS: &str = "SELECT id, now() AS now FROM partitions ORDER BY id";

const FIRST: &str = "SELECT min(commit_no) AS commit_no FROM outbox WHERE partition = $1 AND created_at >= $2 AND created_at < $3";

/// Opens the next rows of a partition that are closed, and says how many rows there were and which was the last.
const REOPEN: &str = "WITH next AS (
    SELECT commit_no FROM outbox WHERE partition = $1 AND commit_no > $2 ORDER BY commit_no LIMIT $3),
reopened AS (
    UPDATE outbox SET closed_at = NULL WHERE partition = $1 AND commit_no IN (SELECT commit_no FROM next) AND closed_at IS NOT NULL)
SELECT count(*) AS commits, max(commit_no) AS last FROM next";

/// Opens what was closed since the reopening began: by transactions that began then, or up to a minute earlier, which is longer than
/// any takes.
const REOPEN_LATEST: &str = "UPDATE outbox AS stored SET closed_at = NULL
FROM UNNEST($1::int[], $2::bigint[]) AS first (partition, commit_no)
WHERE stored.closed_at >= $3 - interval '1 minute' AND stored.partition = first.partition AND stored.commit_no >= first.commit_no";

/// Takes partitions from their owners, whose next commit is refused: nothing newer is told before the reopened rows.
const TAKE: &str =
    "UPDATE partitions SET owner = NULL, expires_at = '-infinity', told_to = NULL, epoch = epoch + 1
WHERE id = ANY($1)";

/// Opens outbox rows again.
#[derive(Debug, Clone)]
pub(crate) struct Republishing {
    pool: Pool,
}

#[derive(QueryableByName)]
struct Partition {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct First {
    #[diesel(sql_type = Nullable<BigInt>)]
    commit_no: Option<i64>,
}

#[derive(QueryableByName)]
struct Reopened {
    #[diesel(sql_type = BigInt)]
    commits: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

impl Republishing {
    /// Over these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Has every partition tell again from its first commit of the span on, to the end: newer commits come after older
    /// ones. Gives how many commits that are. The span is in Unix milliseconds, its end not included.
    pub async fn republish(&self, from_ms: i64, to_ms: i64) -> Result<u64, ReadError> {
        let partitions = self.partitions().await?;
        let [Partition { now: begun, .. }, ..] = *partitions.as_slice() else { return Ok(0) };
        let (mut reopened, mut firsts) = (Vec::new(), Vec::new());
        let mut commits = 0;
        for Partition { id, .. } in partitions {
            let Some(first) = self.first(id, from_ms, to_ms).await? else { continue };
            commits += self.reopen(id, first).await?;
            reopened.push(id);
            firsts.push(first);
        }
        if !reopened.is_empty() {
            self.take(reopened, firsts, begun).await?;
        }
        Ok(commits)
    }

    async fn partitions(&self) -> Result<Vec<Partition>, ReadError> {
        let mut connection = self.pool.get().await?;
        Ok(sql_query(PARTITIONS).get_results(&mut *connection).await?)
    }

    /// The first commit of a partition in the span.
    async fn first(&self, partition: i32, from_ms: i64, to_ms: i64) -> Result<Option<i64>, ReadError> {
        let mut connection = self.pool.get().await?;
        let found: First = sql_query(FIRST)
            .bind::<Integer, _>(partition)
            .bind::<Timestamptz, _>(time(from_ms))
            .bind::<Timestamptz, _>(time(to_ms))
            .get_result(&mut *connection)
            .await?;
        Ok(found.commit_no)
    }

    /// Opens the rows of a partition from a commit on; gives how many there are.
    async fn reopen(&self, partition: i32, first: i64) -> Result<u64, ReadError> {
        let mut commits = 0;
        let mut after = first - 1;
        loop {
            let part = self
                .pool
                .run(move |connection| {
                    Box::pin(async move {
                        let part: Reopened = sql_query(REOPEN)
                            .bind::<Integer, _>(partition)
                            .bind::<BigInt, _>(after)
                            .bind::<BigInt, _>(ROWS_MAX)
                            .get_result(connection)
                            .await?;
                        Ok::<_, ReadError>(part)
                    })
                })
                .await?;
            commits += count(part.commits);
            match part.last {
                Some(last) if part.commits == ROWS_MAX => after = last,
                Some(_) | None => return Ok(commits),
            }
        }
    }

    async fn take(
        &self,
        partitions: Vec<i32>,
        firsts: Vec<i64>,
        begun: DateTime<Utc>,
    ) -> Result<(), ReadError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    // Waits for the commits under way and keeps others waiting: none is told between the reopening and the
                    // taking, and no two transactions wait for each other.
                    connection.batch_execute("LOCK TABLE partitions IN SHARE ROW EXCLUSIVE MODE").await?;
                    sql_query(REOPEN_LATEST)
                        .bind::<Array<Integer>, _>(&partitions)
                        .bind::<Array<BigInt>, _>(&firsts)
                        .bind::<Timestamptz, _>(begun)
                        .execute(connection)
                        .await?;
                    sql_query(TAKE).bind::<Array<Integer>, _>(&partitions).execute(connection).await?;
                    Ok(())
                })
            })
            .await
    }
}
