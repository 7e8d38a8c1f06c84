//! Passages by their words: PostgreSQL's full text search knows a language's word endings and little words.
//!
//! A search is a few statements: the base's languages and size, the question's stems in each, how many passages have
//! each, the numbers of the passages that have most of them, weighted by how rare they are, then the texts of the best.

use diesel::sql_types::{Array, BigInt, Double, Integer, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg::Prepare;
use uuid::Uuid;

use crate::store::{Store, StoreError};

/// What a base holds in one language.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Shape {
    #[diesel(sql_type = Text)]
    pub language: String,
    #[diesel(sql_type = BigInt)]
    pub passages: i64,
    #[diesel(sql_type = BigInt)]
    pub words: i64,
}

/// A stem that is searched for, and how many passages have it.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct WantedTerm {
    #[diesel(sql_type = Text)]
    pub language: String,
    #[diesel(sql_type = Text)]
    pub lexeme: String,
    #[diesel(sql_type = BigInt)]
    pub having: i64,
}

/// How a passage that has some of the stems fits them.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Candidate {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub language: String,
    #[diesel(sql_type = Integer)]
    pub words: i32,
    /// How often it has each stem, in the order of the search; one in a heading counts for three.
    #[diesel(sql_type = Array<Integer>)]
    pub counts: Vec<i32>,
}

/// What a passage says, and where it stands.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Passage {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub document: String,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Array<Text>)]
    pub headings: Vec<String>,
    #[diesel(sql_type = Integer)]
    pub position: i32,
    #[diesel(sql_type = Text)]
    pub body: String,
}

impl Store {
    /// What a base holds, by language.
    pub async fn shapes(&self, base: Uuid) -> Result<Vec<Shape>, StoreError> {
        let mut connection = self.pool.get().await?;
        let query =
            "SELECT language, sum(passages)::bigint AS passages, sum(words)::bigint AS words FROM documents
             WHERE base_id = $1 GROUP BY language ORDER BY language";
        Ok(sql_query(query).bind::<SqlUuid, _>(base).prepared().get_results(&mut *connection).await?)
    }

    /// The stems of these words in these languages, and how many of the base's passages have each.
    pub async fn wanted_terms(
        &self,
        base: Uuid,
        languages: &[knowledge::Language],
        words: &str,
    ) -> Result<Vec<WantedTerm>, StoreError> {
        let mut connection = self.pool.get().await?;
        let codes: Vec<&str> = languages.iter().map(|language| language.code()).collect();
        let configurations: Vec<&str> = languages.iter().map(|language| language.configuration()).collect();
        let query = "SELECT l.language, t.lexeme, (SELECT count(*) FROM passages p
                WHERE p.base_id = $1 AND p.language = l.language AND p.search @@ format('''%s''', replace(replace(t.lexeme, '\\', '\\\\'), '''', ''''''))::tsquery) AS having
             FROM unnest($2::text[], $3::text[]) AS l (language, configuration),
                unnest(to_tsvector(l.configuration::regconfig, $4)) AS t
             ORDER BY l.language, t.positions[1], t.lexeme";
        Ok(sql_query(query)
            .bind::<SqlUuid, _>(base)
            .bind::<Array<Text>, _>(codes)
            .bind::<Array<Text>, _>(configurations)
            .bind::<Text, _>(words)
            .prepared()
            .get_results(&mut *connection)
            .await?)
    }

    /// The passages that have most of the stems by weight, and these others.
    pub async fn candidates(
        &self,
        base: Uuid,
        terms: &[WantedTerm],
        weights: &[f64],
        others: &[i64],
        rows_max: i64,
    ) -> Result<Vec<Candidate>, StoreError> {
        if terms.is_empty() && others.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool.get().await?;
        by_words(&mut connection, base, terms, weights, others, rows_max).await
    }

    /// These passages of a base, in any order; those that are gone are left out.
    pub async fn passages(&self, base: Uuid, ids: &[i64]) -> Result<Vec<Passage>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool.get().await?;
        let query = "SELECT p.id, p.document_id AS document, d.title, p.headings, p.position, p.body
             FROM passages p JOIN documents d ON d.base_id = p.base_id AND d.id = p.document_id
             WHERE p.base_id = $1 AND p.id = ANY($2)";
        Ok(sql_query(query)
            .bind::<SqlUuid, _>(base)
            .bind::<Array<BigInt>, _>(ids)
            .prepared()
            .get_results(&mut *connection)
            .await?)
    }
}

async fn by_words(
    connection: &mut AsyncPgConnection,
    base: Uuid,
    terms: &[WantedTerm],
    weights: &[f64],
    others: &[i64],
    rows_max: i64,
) -> Result<Vec<Candidate>, StoreError> {
    let languages: Vec<&str> = terms.iter().map(|term| term.language.as_str()).collect();
    let lexemes: Vec<&str> = terms.iter().map(|term| term.lexeme.as_str()).collect();
    let query = "WITH terms AS (
            SELECT t.*, format('''%s''', replace(replace(t.lexeme, '\\', '\\\\'), '''', ''''''))::tsquery AS query
            FROM unnest($2::text[], $3::text[], $4::double precision[]) WITH ORDINALITY AS t (language, lexeme, weight, no)
        ), best AS (
            SELECT p.id, sum(t.weight) AS weight FROM terms t
            JOIN passages p ON p.base_id = $1 AND p.language = t.language AND p.search @@ t.query
            GROUP BY p.id ORDER BY weight DESC, p.id LIMIT $5
        ), wanted AS (
            SELECT id FROM best UNION SELECT id FROM unnest($6::bigint[]) AS o (id)
        )
        SELECT p.id, p.language, p.words,
            ARRAY(SELECT coalesce((
                    SELECT cardinality(w.positions) + 2 * cardinality(array_positions(w.weights, 'A'))
                    FROM unnest(p.search) AS w WHERE w.lexeme = t.lexeme AND t.language = p.language), 0)::integer
                FROM terms t ORDER BY t.no) AS counts
        FROM wanted w JOIN passages p ON p.id = w.id AND p.base_id = $1
        ORDER BY p.id";
    Ok(sql_query(query)
        .bind::<SqlUuid, _>(base)
        .bind::<Array<Text>, _>(languages)
        .bind::<Array<Text>, _>(lexemes)
        .bind::<Array<Double>, _>(weights)
        .bind::<BigInt, _>(rows_max)
        .bind::<Array<BigInt>, _>(others)
        .prepared()
        .get_results(connection)
        .await?)
}
