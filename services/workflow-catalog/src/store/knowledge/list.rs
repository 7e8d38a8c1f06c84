//! Pages of bases and of documents, newest first, ties by id.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::AccountId;
use uuid::Uuid;

use super::bases::{self, StoredBase};
use super::documents::{self, StoredDocument};
use crate::store::{Store, StoreError};

/// Later than any row, Unix seconds: the last of the year 9999.
const END_OF_TIME: i64 = 253_402_300_799;
/// Behind every id of a document.
const AFTER_ALL_IDS: &str = "\u{7f}";

/// A place in a list: when the row before was created, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place<Id> {
    pub created_at: DateTime<Utc>,
    pub id: Id,
}

/// Which part of a list.
#[derive(Debug, Clone)]
pub(crate) struct Span<Id> {
    /// After this row.
    pub after: Option<Place<Id>>,
    /// Without so many of the first.
    pub skip: u64,
    /// At most so many.
    pub limit: u32,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Listed<Row> {
    pub rows: Vec<Row>,
    pub total: u64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn end_of_time() -> DateTime<Utc> {
    DateTime::<Utc>::from_timestamp(END_OF_TIME, 0).unwrap_or_default()
}

fn skip<Id>(span: &Span<Id>) -> i64 {
    i64::try_from(span.skip).unwrap_or(i64::MAX)
}

impl Store {
    /// A page of an account's bases, and how many there are in all.
    pub async fn list_bases(
        &self,
        account: AccountId,
        span: Span<Uuid>,
    ) -> Result<Listed<StoredBase>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let count: Count = sql_query("SELECT count(*) AS n FROM knowledge_bases WHERE account_id = $1")
            .bind::<SqlUuid, _>(account.as_uuid())
            .get_result(&mut *connection)
            .await?;
        let after = span.after.clone().unwrap_or(Place { created_at: end_of_time(), id: Uuid::max() });
        let rows = sql_query(format!(
            "SELECT {} FROM knowledge_bases b WHERE b.account_id = $1 AND (b.created_at, b.id) < ($2, $3)
             ORDER BY b.created_at DESC, b.id DESC OFFSET $4 LIMIT $5",
            bases::COLUMNS
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<Timestamptz, _>(after.created_at)
        .bind::<SqlUuid, _>(after.id)
        .bind::<BigInt, _>(skip(&span))
        .bind::<BigInt, _>(i64::from(span.limit))
        .get_results(&mut *connection)
        .await?;
        Ok(Listed { rows, total: u64::try_from(count.n).unwrap_or(0) })
    }

    /// A page of a base's documents, and how many there are in all.
    pub async fn list_documents(
        &self,
        base: Uuid,
        span: Span<String>,
    ) -> Result<Listed<StoredDocument>, StoreError> {
        let mut connection = self.pool.get().await?;
        let count: Count = sql_query("SELECT count(*) AS n FROM documents WHERE base_id = $1")
            .bind::<SqlUuid, _>(base)
            .get_result(&mut *connection)
            .await?;
        let after =
            span.after.clone().unwrap_or(Place { created_at: end_of_time(), id: AFTER_ALL_IDS.to_owned() });
        let rows = sql_query(format!(
            "SELECT {} FROM documents WHERE base_id = $1 AND (created_at, id COLLATE \"C\") < ($2, $3)
             ORDER BY created_at DESC, id COLLATE \"C\" DESC OFFSET $4 LIMIT $5",
            documents::COLUMNS
        ))
        .bind::<SqlUuid, _>(base)
        .bind::<Timestamptz, _>(after.created_at)
        .bind::<Text, _>(&after.id)
        .bind::<BigInt, _>(skip(&span))
        .bind::<BigInt, _>(i64::from(span.limit))
        .get_results(&mut *connection)
        .await?;
        Ok(Listed { rows, total: u64::try_from(count.n).unwrap_or(0) })
    }
}
