//! Commits as the outbox has them: I7 (a commit of a stale owner would leave a hole, or tell of an execution twice).

use std::collections::HashMap;

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use prost::Message;
use tokio_postgres::Client;
use uuid::Uuid;

use super::stored::Executions;
use crate::failure::Failure;
use crate::row::Row;

/// Compares the commits of each partition with its row, and what they name with the executions.
///
/// # Errors
/// When the database does not answer.
pub async fn compare(row: &mut Row, client: &Client, executions: &Executions) -> Result<(), Failure> {
    let holes = client
        .query(
            "SELECT p.id, p.commit_no, count(o.commit_no), coalesce(max(o.commit_no), 0) FROM runner.partitions p
             LEFT JOIN runner.outbox o ON o.partition = p.id GROUP BY p.id
             HAVING count(o.commit_no) <> p.commit_no OR coalesce(max(o.commit_no), 0) <> p.commit_no",
            &[],
        )
        .await?;
    for hole in holes {
        let (partition, commit_no, rows): (i32, i64, i64) = (hole.get(0), hole.get(1), hole.get(2));
        row.problem(format!("I7: partition {partition} stands at commit {commit_no} and has {rows}"));
    }
    let mut named: HashMap<Uuid, usize> = HashMap::new();
    for told in client.query("SELECT payload FROM runner.outbox", &[]).await? {
        let outbox = v1::Outbox::decode(told.get::<_, &[u8]>(0))
            .map_err(|error| Failure::broken(format!("an outbox row cannot be read: {error}")))?;
        for entry in outbox.entries {
            if let Some(Entry::Execution(reference)) = entry.entry {
                *named.entry(Uuid::from_slice(&reference.id).unwrap_or_default()).or_default() += 1;
            }
        }
    }
    for (customer, execution) in
        executions.iter().flat_map(|(customer, all)| all.iter().map(move |execution| (customer, execution)))
    {
        let times = named.remove(&execution.id).unwrap_or(0);
        row.must(times == 1, || {
            format!("I7: {times} commits tell of {customer} {}", execution.record.message_id)
        });
    }
    row.must(named.is_empty(), || {
        format!("I7: commits tell of {} executions that are not there", named.len())
    });
    Ok(())
}
