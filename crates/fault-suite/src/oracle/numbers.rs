//! Numbers beside a fresh count of the executions: I6.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use flow_rollup::QUARTER_MS;
use tokio_postgres::Client;
use uuid::Uuid;

use super::stored::{Execution, Executions};
use crate::failure::Failure;
use crate::row::Row;

/// An hour in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Counters are kept by so many hours: by one, and by those of a slice of executions.
const COUNTED_HOURS: [i16; 2] = [1, 720];

/// Sums of one workflow and quarter of an hour.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    succeeded: i64,
    failed: i64,
    duration_ms: i64,
    received: i64,
    sent: i64,
}

/// Compares the aggregator's numbers and the runners' counters with the executions.
///
/// # Errors
/// When the database does not answer.
pub async fn compare(row: &mut Row, client: &Client, executions: &Executions) -> Result<(), Failure> {
    let mut quarters: BTreeMap<(Uuid, i64), Sums> = BTreeMap::new();
    let mut counted: BTreeMap<(Uuid, i16, i64, i16, i16), i64> = BTreeMap::new();
    let mut visits: BTreeSet<(Uuid, i64, &str)> = BTreeSet::new();
    for (customer, execution) in
        executions.iter().flat_map(|(customer, all)| all.iter().map(move |execution| (customer, execution)))
    {
        let quarter = floor(execution, QUARTER_MS);
        let sums = quarters.entry((execution.workflow, quarter)).or_default();
        if execution.failed() {
            sums.failed += 1;
        } else {
            sums.succeeded += 1;
        }
        sums.duration_ms += execution.duration_ms;
        sums.received += i64::from(!execution.by_timer());
        sums.sent += i64::try_from(execution.record.replies.len()).unwrap_or(0);
        visits.insert((execution.workflow, quarter, customer));
        for hours in COUNTED_HOURS {
            let begin = floor(execution, i64::from(hours) * HOUR_MS);
            let key = (execution.workflow, hours, begin, execution.channel, execution.status);
            *counted.entry(key).or_default() += 1;
        }
    }
    let told = told_quarters(client).await?;
    row.must(told == quarters, || format!("I6: the numbers are {told:?}, not {quarters:?}"));
    let counters = told_counters(client).await?;
    row.must(counters == counted, || format!("I6: the counters are {counters:?}, not {counted:?}"));
    let seen: i64 = client.query_one("SELECT count(*) FROM metrics.visits", &[]).await?.get(0);
    row.must(usize::try_from(seen) == Ok(visits.len()), || {
        format!("I6: {seen} visits are counted, not {}", visits.len())
    });
    Ok(())
}

fn floor(execution: &Execution, unit_ms: i64) -> i64 {
    execution.started_at_ms.div_euclid(unit_ms) * unit_ms
}

async fn told_quarters(client: &Client) -> Result<BTreeMap<(Uuid, i64), Sums>, Failure> {
    let rows = client
        .query(
            "SELECT workflow_id, quarter, sum(succeeded)::bigint, sum(failed)::bigint, sum(duration_ms)::bigint,
                 sum(messages_received)::bigint, sum(messages_sent)::bigint
             FROM metrics.rollups GROUP BY workflow_id, quarter",
            &[],
        )
        .await?;
    let quarters = rows.iter().map(|row| {
        let quarter: DateTime<Utc> = row.get(1);
        let sums = Sums {
            succeeded: row.get(2),
            failed: row.get(3),
            duration_ms: row.get(4),
            received: row.get(5),
            sent: row.get(6),
        };
        ((row.get(0), quarter.timestamp_millis()), sums)
    });
    Ok(quarters.collect())
}

async fn told_counters(client: &Client) -> Result<BTreeMap<(Uuid, i16, i64, i16, i16), i64>, Failure> {
    let rows = client
        .query(
            "SELECT workflow_id, hours, hour, channel, status, sum(executions)::bigint FROM runner.counters
             GROUP BY workflow_id, hours, hour, channel, status",
            &[],
        )
        .await?;
    let counters = rows.iter().map(|row| {
        let begin: DateTime<Utc> = row.get(2);
        ((row.get(0), row.get(1), begin.timestamp_millis(), row.get(3), row.get(4)), row.get(5))
    });
    Ok(counters.collect())
}
