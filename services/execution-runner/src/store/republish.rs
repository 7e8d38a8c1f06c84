//! Telling again what commits of a span had to tell.
//!
//! In one transaction the partitions are taken from their owners, and count as told up to the commit before the span.
//! Who takes them over tells what comes after that, in order, before anything newer; what an earlier owner still says is
//! told is said under an epoch that is over.

use diesel::sql_types::{BigInt, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use pg::Pool;

use super::code::{count, time};
use super::read::ReadError;

/// Takes each partition that has a commit in the span from its owner, whose next commit is refused; gives how many commits are to
/// be told again.
const REPUBLISH: &str = "WITH first AS (
    SELECT owned.id, (SELECT min(commit_no) FROM outbox WHERE partition = owned.id AND created_at >= $1 AND created_at < $2) AS commit_no
    FROM partitions AS owned),
taken AS (
    UPDATE partitions AS stored SET owner = NULL, expires_at = '-infinity', told_to = NULL, epoch = epoch + 1,
        told_no = LEAST(told_no, first.commit_no - 1)
    FROM first WHERE stored.id = first.id AND first.commit_no IS NOT NULL RETURNING stored.id, first.commit_no)
SELECT count(*) AS commits FROM taken JOIN outbox ON outbox.partition = taken.id AND outbox.commit_no >= taken.commit_no";

/// Has outbox rows told again.
#[derive(Debug, Clone)]
pub(crate) struct Republishing {
    pool: Pool,
}

#[derive(QueryableByName)]
struct Commits {
    #[diesel(sql_type = BigInt)]
    commits: i64,
}

impl Republishing {
    /// Over these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Has every partition tell again from its first commit of the span on, to the end: newer commits come after older
    /// ones. Gives how many commits that are. The span is in Unix milliseconds, its end not included.
    pub async fn republish(&self, from_ms: i64, to_ms: i64) -> Result<u64, ReadError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    // Waits for the commits under way and keeps others waiting, so that no two transactions wait for each other.
                    connection.batch_execute("LOCK TABLE partitions IN SHARE ROW EXCLUSIVE MODE").await?;
                    let found: Commits = sql_query(REPUBLISH)
                        .bind::<Timestamptz, _>(time(from_ms))
                        .bind::<Timestamptz, _>(time(to_ms))
                        .get_result(connection)
                        .await?;
                    Ok(count(found.commits))
                })
            })
            .await
    }
}
