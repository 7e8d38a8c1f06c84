//! A document takes the place of the one with its id: in one transaction, so a search meets the one or the other.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use knowledge::limits::BASE_PASSAGES_MAX;
use uuid::Uuid;

use super::documents::{COLUMNS, StoredDocument};
use crate::store::{Store, StoreError};

/// Passages that one statement writes.
const BATCH_ROWS: usize = 500;
/// Between the headings of a passage, in one text.
const HEADING_BORDER: &str = "\n";

/// A document to be.
#[derive(Debug, Clone)]
pub(crate) struct NewDocument {
    pub base: Uuid,
    pub id: String,
    pub title: String,
    pub content_type: String,
    pub language: knowledge::Language,
    pub bytes: u64,
    pub passages: Vec<NewPassage>,
    pub now: DateTime<Utc>,
}

/// One of its passages.
#[derive(Debug, Clone)]
pub(crate) struct NewPassage {
    pub headings: Vec<String>,
    pub text: String,
    /// Its words, as they are searched.
    pub searchable: String,
}

#[derive(QueryableByName)]
struct Base {
    #[diesel(sql_type = BigInt)]
    others: i64,
    #[diesel(sql_type = Bool)]
    known: bool,
}

impl Store {
    /// Puts a document; whether there was none with its id. Documents of one base are put one after the other.
    pub async fn put_document(&self, new: NewDocument) -> Result<(StoredDocument, bool), StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    let base = lock(connection, &new).await?;
                    let passages = u64::try_from(base.others).unwrap_or(0) + new.passages.len() as u64;
                    if passages > BASE_PASSAGES_MAX {
                        return Err(StoreError::Conflict(
                            "The knowledge base would have more than 50000 passages",
                        ));
                    }
                    sql_query("DELETE FROM passages WHERE base_id = $1 AND document_id = $2")
                        .bind::<SqlUuid, _>(new.base)
                        .bind::<Text, _>(&new.id)
                        .execute(connection)
                        .await?;
                    let stored = write_document(connection, &new).await?;
                    let mut position = 0;
                    for batch in new.passages.chunks(BATCH_ROWS) {
                        write_passages(connection, &new, batch, position).await?;
                        position += i32::try_from(batch.len()).unwrap_or(0);
                    }
                    Ok((stored, !base.known))
                })
            })
            .await
    }
}

/// The base's row is held until the end: how many passages it has cannot change meanwhile.
async fn lock(connection: &mut AsyncPgConnection, new: &NewDocument) -> Result<Base, StoreError> {
    let touched = sql_query("UPDATE knowledge_bases SET updated_at = GREATEST($2, updated_at), revision = revision + 1 WHERE id = $1")
        .bind::<SqlUuid, _>(new.base)
        .bind::<Timestamptz, _>(new.now)
        .execute(connection)
        .await?;
    if touched == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(sql_query(
        "SELECT coalesce(sum(passages) FILTER (WHERE id <> $2), 0)::bigint AS others, count(*) FILTER (WHERE id = $2) > 0 AS known
         FROM documents WHERE base_id = $1",
    )
    .bind::<SqlUuid, _>(new.base)
    .bind::<Text, _>(&new.id)
    .get_result(connection)
    .await?)
}

async fn write_document(
    connection: &mut AsyncPgConnection,
    new: &NewDocument,
) -> Result<StoredDocument, StoreError> {
    let words: usize = new.passages.iter().map(words).sum();
    let query = format!(
        "INSERT INTO documents (base_id, id, title, content_type, language, bytes, passages, words, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         ON CONFLICT (base_id, id) DO UPDATE SET title = $3, content_type = $4, language = $5, bytes = $6, passages = $7, words = $8,
            updated_at = GREATEST($9, documents.updated_at)
         RETURNING {COLUMNS}"
    );
    Ok(sql_query(query)
        .bind::<SqlUuid, _>(new.base)
        .bind::<Text, _>(&new.id)
        .bind::<Text, _>(&new.title)
        .bind::<Text, _>(&new.content_type)
        .bind::<Text, _>(new.language.code())
        .bind::<BigInt, _>(i64::try_from(new.bytes).unwrap_or(i64::MAX))
        .bind::<Integer, _>(i32::try_from(new.passages.len()).unwrap_or(i32::MAX))
        .bind::<BigInt, _>(i64::try_from(words).unwrap_or(i64::MAX))
        .bind::<Timestamptz, _>(new.now)
        .get_result(connection)
        .await?)
}

async fn write_passages(
    connection: &mut AsyncPgConnection,
    new: &NewDocument,
    batch: &[NewPassage],
    first: i32,
) -> Result<(), StoreError> {
    let positions: Vec<i32> = (first..).take(batch.len()).collect();
    let headings: Vec<String> = batch.iter().map(|passage| passage.headings.join(HEADING_BORDER)).collect();
    let heading_words: Vec<String> =
        headings.iter().map(|headings| knowledge::question::searchable(headings)).collect();
    let texts: Vec<&str> = batch.iter().map(|passage| passage.text.as_str()).collect();
    let text_words: Vec<&str> = batch.iter().map(|passage| passage.searchable.as_str()).collect();
    let counts: Vec<i32> =
        batch.iter().map(|passage| i32::try_from(words(passage)).unwrap_or(i32::MAX)).collect();
    sql_query(
        "INSERT INTO passages (base_id, document_id, position, headings, body, language, words, search)
         SELECT $1, $2, p.position, string_to_array(p.headings, $11), p.body, $3, p.words,
            setweight(to_tsvector($4::regconfig, p.heading_words), 'A') || setweight(to_tsvector($4::regconfig, $5), 'B')
                || to_tsvector($4::regconfig, p.text_words)
         FROM unnest($6::integer[], $7::text[], $8::text[], $9::text[], $10::text[], $12::integer[])
            AS p (position, headings, heading_words, body, text_words, words)",
    )
    .bind::<SqlUuid, _>(new.base)
    .bind::<Text, _>(&new.id)
    .bind::<Text, _>(new.language.code())
    .bind::<Text, _>(new.language.configuration())
    .bind::<Text, _>(knowledge::question::searchable(&new.title))
    .bind::<Array<Integer>, _>(positions)
    .bind::<Array<Text>, _>(&headings)
    .bind::<Array<Text>, _>(heading_words)
    .bind::<Array<Text>, _>(texts)
    .bind::<Array<Text>, _>(text_words)
    .bind::<Text, _>(HEADING_BORDER)
    .bind::<Array<Integer>, _>(counts)
    .execute(connection)
    .await?;
    Ok(())
}

fn words(passage: &NewPassage) -> usize {
    passage.searchable.split(' ').count()
}
