//! Vectors of passages: which are missing, which were made, and all of a base.

use diesel::sql_types::{Array, BigInt, Float, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::store::{Store, StoreError};

/// Vectors that one statement reads.
const PAGE_ROWS: i64 = 2000;

/// A passage whose vector is missing.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct ToEmbed {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its document's title, its headings and what it says.
    #[diesel(sql_type = Text)]
    pub text: String,
}

/// A passage's vector.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct StoredVector {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Array<Float>)]
    pub embedding: Vec<f32>,
}

impl Store {
    /// Passages of any account that this model has told no vector of, oldest first.
    pub async fn to_embed(&self, model: &str, rows_max: i64) -> Result<Vec<ToEmbed>, StoreError> {
        let mut connection = self.pool.get().await?;
        // Two ranges of the index: what is before the model's name and what is behind.
        let query = "SELECT p.id, concat_ws(E'\\n', d.title, array_to_string(p.headings, ' > '), p.body) AS text
             FROM (SELECT * FROM passages WHERE embedding_model < $1 UNION ALL SELECT * FROM passages WHERE embedding_model > $1) p
             JOIN documents d ON d.base_id = p.base_id AND d.id = p.document_id ORDER BY p.id LIMIT $2";
        Ok(sql_query(query)
            .bind::<Text, _>(model)
            .bind::<BigInt, _>(rows_max)
            .get_results(&mut *connection)
            .await?)
    }

    /// Keeps the vector that a model has told of a passage, or that it could tell none.
    pub async fn keep_vectors(
        &self,
        model: String,
        vectors: Vec<(i64, Option<Vec<f32>>)>,
    ) -> Result<(), StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    // The base first, as a put takes them: two that take them the other way round wait for ever.
                    let ids: Vec<i64> = vectors.iter().map(|(id, _)| *id).collect();
                    sql_query(
                        "UPDATE knowledge_bases SET revision = revision + 1
                         WHERE id IN (SELECT base_id FROM passages WHERE id = ANY($1))",
                    )
                    .bind::<Array<BigInt>, _>(ids)
                    .execute(connection)
                    .await?;
                    for (id, vector) in &vectors {
                        sql_query("UPDATE passages SET embedding = $2, embedding_model = $3 WHERE id = $1")
                            .bind::<BigInt, _>(id)
                            .bind::<Nullable<Array<Float>>, _>(vector)
                            .bind::<Text, _>(&model)
                            .execute(connection)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// All vectors of a base that this model has told.
    pub async fn vectors(&self, base: Uuid, model: &str) -> Result<Vec<StoredVector>, StoreError> {
        let mut connection = self.pool.get().await?;
        let mut all: Vec<StoredVector> = Vec::new();
        loop {
            let query = "SELECT id, embedding FROM passages
                 WHERE base_id = $1 AND embedding_model = $2 AND embedding IS NOT NULL AND id > $3 ORDER BY id LIMIT $4";
            let page: Vec<StoredVector> = sql_query(query)
                .bind::<SqlUuid, _>(base)
                .bind::<Text, _>(model)
                .bind::<BigInt, _>(all.last().map_or(i64::MIN, |last| last.id))
                .bind::<BigInt, _>(PAGE_ROWS)
                .get_results(&mut *connection)
                .await?;
            let done = page.is_empty();
            all.extend(page);
            if done {
                return Ok(all);
            }
        }
    }
}
