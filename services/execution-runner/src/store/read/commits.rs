//! How far partitions have committed, and what their commits had to tell.

use std::collections::HashMap;

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::ExecutionId;
use prost::Message;
use uuid::Uuid;

use super::row::{ExecutionRow, FINISHED_COLUMNS};
use super::{ReadError, Reads};
use crate::partition::port::{OutboxKey, OutboxRow};
use crate::store::code::{big, count, int, number, time};

#[derive(QueryableByName)]
struct CommitRow {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = BigInt)]
    commit_no: i64,
}

#[derive(QueryableByName)]
struct ToldRow {
    #[diesel(sql_type = BigInt)]
    commit_no: i64,
    #[diesel(sql_type = Binary)]
    payload: Vec<u8>,
}

impl Reads {
    /// The last commit of every partition that has one.
    pub async fn commits(&self) -> Result<Vec<OutboxKey>, ReadError> {
        let mut connection = self.pool.get().await?;
        let rows = sql_query("SELECT id, commit_no FROM partitions WHERE commit_no > 0 ORDER BY id")
            .get_results::<CommitRow>(&mut *connection)
            .await?;
        let key = |row: CommitRow| OutboxKey { partition: number(row.id), commit_no: count(row.commit_no) };
        Ok(rows.into_iter().map(key).collect())
    }

    /// What the commits from `first` on, before the commit `before`, had to tell; at most `most` of them. Those whose
    /// record is gone are left out.
    pub async fn told(&self, first: OutboxKey, before: u64, most: u32) -> Result<Vec<OutboxRow>, ReadError> {
        let mut connection = self.pool.get().await?;
        let rows = sql_query(
            "SELECT commit_no, payload FROM outbox WHERE partition = $1 AND commit_no >= $2 AND commit_no < $3
             ORDER BY commit_no LIMIT $4",
        )
        .bind::<Integer, _>(int(first.partition))
        .bind::<BigInt, _>(big(first.commit_no))
        .bind::<BigInt, _>(big(before))
        .bind::<BigInt, _>(i64::from(most))
        .get_results::<ToldRow>(&mut *connection)
        .await?;
        let row = |row: ToldRow| OutboxRow {
            key: OutboxKey { partition: first.partition, commit_no: count(row.commit_no) },
            outbox: v1::Outbox::decode(row.payload.as_slice())
                .inspect_err(|error| tracing::error!(%error, "an outbox row cannot be read"))
                .unwrap_or_default(),
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// The executions that these rows name.
    pub async fn executions_of(
        &self,
        rows: &[OutboxRow],
    ) -> Result<HashMap<ExecutionId, v1::Execution>, ReadError> {
        let entries = rows.iter().flat_map(|row| &row.outbox.entries);
        let ids: Vec<ExecutionId> = entries
            .filter_map(|entry| match entry.entry.as_ref()? {
                Entry::Execution(reference) => ExecutionId::from_slice(&reference.id).ok(),
                Entry::Ignored(_) | Entry::Part(_) | Entry::Note(_) => None,
            })
            .collect();
        // An id holds its start, so only the slices of these times are looked at.
        let times = || ids.iter().map(ExecutionId::accepted_at_ms);
        let (Some(from), Some(to)) = (times().min(), times().max()) else { return Ok(HashMap::new()) };
        let uuids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
        let mut connection = self.pool.get().await?;
        let found = sql_query(format!(
            "SELECT {FINISHED_COLUMNS} FROM executions WHERE id = ANY($1) AND started_at BETWEEN $2 AND $3"
        ))
        .bind::<Array<SqlUuid>, _>(uuids)
        .bind::<Timestamptz, _>(time(from))
        .bind::<Timestamptz, _>(time(to))
        .get_results::<ExecutionRow>(&mut *connection)
        .await?;
        let keyed = |row: ExecutionRow| {
            let execution = row.into_message();
            Some((ExecutionId::from_slice(&execution.id).ok()?, execution))
        };
        Ok(found.into_iter().filter_map(keyed).collect())
    }
}
