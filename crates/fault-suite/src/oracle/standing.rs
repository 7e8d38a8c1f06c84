//! Whether everything is quiet: nothing waits, nothing is owned by the dead.

use tokio_postgres::Client;

use bus::{Bus, BusConfig, frames};

use crate::failure::Failure;
use crate::fleet::Fleet;

/// How far everything is.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    executions: i64,
    counted: i64,
    open: i64,
    partitions: i64,
    owned: i64,
    behind: i64,
    left_over: i64,
}

const STANDING: &str = "SELECT
    (SELECT coalesce(sum(executions), 0)::bigint FROM runner.counters WHERE hours = 1),
    (SELECT coalesce(sum(succeeded + failed), 0)::bigint FROM metrics.rollups),
    (SELECT count(*) FROM runner.partitions WHERE told_no < commit_no),
    (SELECT count(*) FROM runner.partitions),
    (SELECT count(*) FROM runner.partitions p JOIN runner.runners r ON r.id = p.owner AND r.grp = p.grp
        WHERE p.expires_at > now() AND r.expires_at > now()),
    (SELECT count(*) FROM runner.partitions p LEFT JOIN unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY
        AS s (incarnation, last_seq, place) ON p.grp = s.place - 1
        WHERE p.incarnation IS DISTINCT FROM s.incarnation OR p.applied_seq < s.last_seq),
    (SELECT (SELECT count(*) FROM runner.running_executions) + (SELECT count(*) FROM runner.mailboxes)
        + (SELECT count(*) FROM runner.activities) + (SELECT count(*) FROM runner.timers)
        + (SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '1 second'))";

/// Looks at all of it.
///
/// # Errors
/// When the database or the broker do not answer.
pub async fn standing(client: &Client, fleet: &Fleet) -> Result<Standing, Failure> {
    let bus = Bus::connect(&BusConfig::for_url(&fleet.nats.url()), "oracle").await?;
    let layout = bus.layout().await?.ok_or_else(|| Failure::broken("the streams of inputs are missing"))?;
    let (mut incarnations, mut last_seqs) = (Vec::new(), Vec::new());
    for group in 0..layout.groups {
        let stream = frames::stream(&bus, group).await?;
        incarnations.push(stream.incarnation);
        last_seqs.push(i64::try_from(stream.last_seq).unwrap_or(i64::MAX));
    }
    let row = client.query_one(STANDING, &[&incarnations, &last_seqs]).await?;
    Ok(Standing {
        executions: row.get(0),
        counted: row.get(1),
        open: row.get(2),
        partitions: row.get(3),
        owned: row.get(4),
        behind: row.get(5),
        left_over: row.get(6),
    })
}

/// How many executions are over.
///
/// # Errors
/// When the database does not answer.
pub async fn handled(client: &Client) -> Result<usize, Failure> {
    let sum = "SELECT coalesce(sum(executions), 0)::bigint FROM runner.counters WHERE hours = 1";
    let sum: i64 = client.query_one(sum, &[]).await?.get(0);
    Ok(usize::try_from(sum).unwrap_or(0))
}

impl Standing {
    /// What is not quiet yet when there must be so many executions.
    pub fn unrest(&self, executions: usize) -> Vec<String> {
        let expected = i64::try_from(executions).unwrap_or(i64::MAX);
        let wrong = [
            (self.executions < expected, format!("I1: {} executions of {expected}", self.executions)),
            (self.counted < expected, format!("I6: {} executions counted of {expected}", self.counted)),
            (self.open > 0, format!("I8: {} commits are not told to the end", self.open)),
            (
                self.owned < self.partitions,
                format!("I8: {} of {} partitions have an owner who lives", self.owned, self.partitions),
            ),
            (self.behind > 0, format!("I8: {} partitions have not read everything", self.behind)),
            (self.left_over > 0, format!("I8: {} rows or transactions are left over", self.left_over)),
        ];
        wrong.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, what)| what).collect()
    }
}
