//! Documents, one at a time.

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::KnowledgeBaseId;
use uuid::Uuid;

use crate::store::{Store, StoreError};

/// The columns of [`StoredDocument`].
pub(super) const COLUMNS: &str =
    "id, base_id, title, content_type, language, bytes, passages, created_at, updated_at";

/// A document as it is stored.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct StoredDocument {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = SqlUuid)]
    pub base_id: Uuid,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Text)]
    pub content_type: String,
    #[diesel(sql_type = Text)]
    pub language: String,
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    #[diesel(sql_type = Integer)]
    pub passages: i32,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl StoredDocument {
    /// As other services see it.
    pub fn to_message(&self) -> v1::KnowledgeDocument {
        v1::KnowledgeDocument {
            id: self.id.clone(),
            base_id: KnowledgeBaseId::new(self.base_id).to_vec().into(),
            title: self.title.clone(),
            content_type: self.content_type.clone(),
            language: self.language.clone(),
            bytes: u64::try_from(self.bytes).unwrap_or(0),
            passages: u32::try_from(self.passages).unwrap_or(0),
            created_at_ms: self.created_at.timestamp_millis(),
            updated_at_ms: self.updated_at.timestamp_millis(),
        }
    }
}

impl Store {
    /// A document of this base.
    pub async fn document(&self, base: Uuid, id: &str) -> Result<StoredDocument, StoreError> {
        let mut connection = self.pool.get().await?;
        let query = format!("SELECT {COLUMNS} FROM documents WHERE base_id = $1 AND id = $2");
        Ok(sql_query(query).bind::<SqlUuid, _>(base).bind::<Text, _>(id).get_result(&mut *connection).await?)
    }

    /// Removes a document with its passages; whether there was one.
    pub async fn delete_document(&self, base: Uuid, id: String) -> Result<bool, StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    sql_query("UPDATE knowledge_bases SET revision = revision + 1 WHERE id = $1")
                        .bind::<SqlUuid, _>(base)
                        .execute(connection)
                        .await?;
                    let deleted = sql_query("DELETE FROM documents WHERE base_id = $1 AND id = $2")
                        .bind::<SqlUuid, _>(base)
                        .bind::<Text, _>(id)
                        .execute(connection)
                        .await?;
                    Ok::<_, StoreError>(deleted > 0)
                })
            })
            .await
    }
}
