//! Pages of workflows, newest first.

use chrono::{DateTime, Utc};
use contracts::v1::WorkflowStatus;
use diesel::sql_types::{BigInt, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::AccountId;
use uuid::Uuid;

use super::row::{COLUMNS, StoredWorkflow, folded, status_code};
use super::{Store, StoreError};

/// Which workflows.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Of this account.
    pub account: AccountId,
    /// With this status, or with any.
    pub status: WorkflowStatus,
    /// Of this channel; of any when it is empty.
    pub channel: String,
    /// With this text in name or description, whatever its case; any when it is empty.
    pub search: String,
    /// After this row.
    pub after: Option<After>,
    /// Without so many of the first.
    pub skip: u64,
    /// At most so many.
    pub limit: u32,
}

/// A place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After {
    /// When the row before was created.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Listed {
    pub workflows: Vec<StoredWorkflow>,
    pub total: u64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

const MATCHES: &str = "account_id = $1 AND status <> $2 AND ($3 = 0 OR status = $3) AND ($4 = '' OR channel = $4) \
     AND ($5 = '' OR strpos(search_text, $5) > 0)";

impl Store {
    /// A page, and how many there are in all.
    pub async fn list(&self, wanted: Wanted) -> Result<Listed, StoreError> {
        self.pool
            .run_of(*wanted.account.as_uuid(), move |connection| {
                Box::pin(async move {
                    use diesel_async::SimpleAsyncConnection;
                    let search = folded(&wanted.search);
                    connection
                        .batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                        .await?;
                    let count: Count =
                        sql_query(format!("SELECT count(*) AS n FROM workflows WHERE {MATCHES}"))
                            .bind::<SqlUuid, _>(wanted.account.as_uuid())
                            .bind::<SmallInt, _>(status_code(WorkflowStatus::Deleted))
                            .bind::<SmallInt, _>(status_code(wanted.status))
                            .bind::<Text, _>(&wanted.channel)
                            .bind::<Text, _>(&search)
                            .get_result(connection)
                            .await?;
                    let after = wanted.after.unwrap_or(After {
                        created_at: DateTime::<Utc>::from_timestamp(253_402_300_799, 0).unwrap_or_default(),
                        id: Uuid::max(),
                    });
                    let workflows = sql_query(format!(
                        "SELECT {COLUMNS} FROM workflows WHERE {MATCHES} AND (created_at, id) < ($6, $7)
                         ORDER BY created_at DESC, id DESC OFFSET $8 LIMIT $9"
                    ))
                    .bind::<SqlUuid, _>(wanted.account.as_uuid())
                    .bind::<SmallInt, _>(status_code(WorkflowStatus::Deleted))
                    .bind::<SmallInt, _>(status_code(wanted.status))
                    .bind::<Text, _>(&wanted.channel)
                    .bind::<Text, _>(&search)
                    .bind::<Timestamptz, _>(after.created_at)
                    .bind::<SqlUuid, _>(after.id)
                    .bind::<BigInt, _>(i64::try_from(wanted.skip).unwrap_or(i64::MAX))
                    .bind::<BigInt, _>(i64::from(wanted.limit))
                    .get_results(connection)
                    .await?;
                    Ok(Listed { workflows, total: u64::try_from(count.n).unwrap_or(0) })
                })
            })
            .await
    }
}
