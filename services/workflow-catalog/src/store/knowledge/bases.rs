//! Knowledge bases, one at a time. The names of all that a workflow speaks of are looked up together.

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::{AccountId, KnowledgeBaseId};
use uuid::Uuid;

use crate::store::{Store, StoreError};

/// The columns of [`StoredBase`].
pub(super) const COLUMNS: &str = "b.id, b.name, b.description, b.language, b.created_at, b.updated_at, \
     (SELECT count(*) FROM documents d WHERE d.base_id = b.id) AS documents, \
     (SELECT coalesce(sum(d.passages), 0)::bigint FROM documents d WHERE d.base_id = b.id) AS passages";

/// A knowledge base to be.
#[derive(Debug, Clone)]
pub(crate) struct NewBase {
    pub id: KnowledgeBaseId,
    pub account: AccountId,
    pub name: String,
    pub description: String,
    pub language: String,
    pub now: DateTime<Utc>,
}

/// A knowledge base as it is stored.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct StoredBase {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub description: String,
    #[diesel(sql_type = Text)]
    pub language: String,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub documents: i64,
    #[diesel(sql_type = BigInt)]
    pub passages: i64,
}

impl StoredBase {
    /// As other services see it.
    pub fn to_message(&self) -> v1::KnowledgeBase {
        v1::KnowledgeBase {
            id: KnowledgeBaseId::new(self.id).to_vec().into(),
            name: self.name.clone(),
            description: self.description.clone(),
            language: self.language.clone(),
            documents: u64::try_from(self.documents).unwrap_or(0),
            passages: u64::try_from(self.passages).unwrap_or(0),
            created_at_ms: self.created_at.timestamp_millis(),
            updated_at_ms: self.updated_at.timestamp_millis(),
        }
    }
}

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = Integer)]
    number: i32,
}

/// A base is called by its id, as the API writes it, or by its name, whatever its case. A name is never an id, and has
/// no NUL, which the database does not take.
pub(super) fn keys(called: &str) -> (Uuid, String) {
    let id = called.parse::<KnowledgeBaseId>().map_or(Uuid::nil(), |id| *id.as_uuid());
    (id, called.to_lowercase().replace('\0', " "))
}

impl Store {
    /// Adds a knowledge base.
    pub async fn create_base(&self, new: NewBase) -> Result<StoredBase, StoreError> {
        self.pool
            .run_of(*new.account.as_uuid(), move |connection| {
                Box::pin(async move {
                    let query = "INSERT INTO knowledge_bases (id, account_id, name, name_key, description, language, created_at, updated_at)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
                         RETURNING id, name, description, language, created_at, updated_at, 0::bigint AS documents, 0::bigint AS passages";
                    Ok(sql_query(query)
                        .bind::<SqlUuid, _>(new.id.as_uuid())
                        .bind::<SqlUuid, _>(new.account.as_uuid())
                        .bind::<Text, _>(&new.name)
                        .bind::<Text, _>(new.name.to_lowercase())
                        .bind::<Text, _>(&new.description)
                        .bind::<Text, _>(&new.language)
                        .bind::<Timestamptz, _>(new.now)
                        .get_result(connection)
                        .await?)
                })
            })
            .await
    }

    /// The account's base that is called so.
    pub async fn base(&self, account: AccountId, called: &str) -> Result<StoredBase, StoreError> {
        let (id, key) = keys(called);
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let query = format!(
            "SELECT {COLUMNS} FROM knowledge_bases b WHERE b.account_id = $1 AND (b.id = $2 OR b.name_key = $3)"
        );
        Ok(sql_query(query)
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(key)
            .get_result(&mut *connection)
            .await?)
    }

    /// Removes a base with all that is in it; whether there was one.
    pub async fn delete_base(&self, account: AccountId, called: &str) -> Result<bool, StoreError> {
        let (id, key) = keys(called);
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(async move {
                    let query =
                        "DELETE FROM knowledge_bases WHERE account_id = $1 AND (id = $2 OR name_key = $3)";
                    let deleted = sql_query(query)
                        .bind::<SqlUuid, _>(account.as_uuid())
                        .bind::<SqlUuid, _>(id)
                        .bind::<Text, _>(key)
                        .execute(connection)
                        .await?;
                    Ok::<_, StoreError>(deleted > 0)
                })
            })
            .await
    }

    /// Which of these names and ids call no base of the account.
    pub async fn missing_bases(
        &self,
        account: AccountId,
        called: &[String],
    ) -> Result<Vec<String>, StoreError> {
        if called.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, keys): (Vec<Uuid>, Vec<String>) = called.iter().map(|called| keys(called)).unzip();
        let numbers: Vec<i32> = (0..).take(called.len()).collect();
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let query = "SELECT w.number FROM unnest($2::integer[], $3::uuid[], $4::text[]) AS w (number, id, key)
             WHERE NOT EXISTS (SELECT FROM knowledge_bases b WHERE b.account_id = $1 AND (b.id = w.id OR b.name_key = w.key))";
        let missing: Vec<Missing> = sql_query(query)
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<Array<Integer>, _>(numbers)
            .bind::<Array<SqlUuid>, _>(&ids)
            .bind::<Array<Text>, _>(&keys)
            .get_results(&mut *connection)
            .await?;
        let numbers = missing.into_iter().filter_map(|missing| usize::try_from(missing.number).ok());
        Ok(numbers.filter_map(|number| called.get(number).cloned()).collect())
    }
}
