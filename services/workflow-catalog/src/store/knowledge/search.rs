//! Passages by their words: PostgreSQL's full text search knows a language's word endings and little words.
//!
//! A search is three statements: the base's languages and size, the question's stems in each and how many passages have
//! each; the numbers of the passages that have most of them, weighted by how rare they are; then the texts of the best.

use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::AccountId;
use knowledge::Language;
use pg::Prepare;
use uuid::Uuid;

use super::bases::keys;
use crate::store::{Store, StoreError};

/// A base as a question finds it.
#[derive(Debug, Clone)]
pub(crate) struct Searched {
    pub id: Uuid,
    /// Another one when its passages or their vectors are others.
    pub revision: i64,
    /// What it holds, by language.
    pub shapes: Vec<Shape>,
    /// The question's stems, by language, in the question's order.
    pub terms: Vec<WantedTerm>,
}

/// What a base holds in one language.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub language: String,
    pub passages: i64,
    pub words: i64,
}

/// A stem that is searched for, and how many passages have it.
#[derive(Debug, Clone)]
pub(crate) struct WantedTerm {
    pub language: String,
    pub lexeme: String,
    pub having: i64,
}

/// A stem in one of the base's languages; a language without stems has a row without one, and so has an empty base.
#[derive(QueryableByName)]
struct SearchedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
    #[diesel(sql_type = BigInt)]
    passages: i64,
    #[diesel(sql_type = BigInt)]
    words: i64,
    #[diesel(sql_type = Nullable<Text>)]
    lexeme: Option<String>,
    #[diesel(sql_type = BigInt)]
    having: i64,
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
    /// The account's base that is called so, what it holds in these languages, and the stems of these words in them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn searched(
        &self,
        account: AccountId,
        called: &str,
        languages: &[Language],
        words: &str,
    ) -> Result<Searched, StoreError> {
        let (id, key) = keys(called);
        let codes: Vec<&str> = languages.iter().map(|language| language.code()).collect();
        let configurations: Vec<&str> = languages.iter().map(|language| language.configuration()).collect();
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let query = "SELECT b.id, b.revision, s.language, coalesce(s.passages, 0) AS passages, coalesce(s.words, 0) AS words, t.lexeme,
                CASE WHEN t.lexeme IS NULL THEN 0 ELSE (SELECT count(*) FROM passages p
                    WHERE p.base_id = b.id AND p.language = s.language
                    AND p.search @@ format('''%s''', replace(replace(t.lexeme, '\\', '\\\\'), '''', ''''''))::tsquery) END AS having
             FROM knowledge_bases b
             LEFT JOIN LATERAL (
                SELECT d.language, l.configuration, sum(d.passages)::bigint AS passages, sum(d.words)::bigint AS words
                FROM documents d JOIN unnest($4::text[], $5::text[]) AS l (language, configuration) ON l.language = d.language
                WHERE d.base_id = b.id GROUP BY d.language, l.configuration) s ON true
             LEFT JOIN LATERAL unnest(to_tsvector(s.configuration::regconfig, $6)) AS t ON true
             WHERE b.account_id = $1 AND (b.id = $2 OR b.name_key = $3)
             ORDER BY s.language, t.positions[1], t.lexeme";
        let rows: Vec<SearchedRow> = sql_query(query)
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(key)
            .bind::<Array<Text>, _>(codes)
            .bind::<Array<Text>, _>(configurations)
            .bind::<Text, _>(words)
            .prepared()
            .get_results(&mut *connection)
            .await?;
        Searched::of(rows).ok_or(StoreError::NotFound)
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

impl Searched {
    /// From its rows; none when there is no base.
    fn of(rows: Vec<SearchedRow>) -> Option<Self> {
        let [SearchedRow { id, revision, .. }, ..] = rows.as_slice() else { return None };
        let mut searched = Self { id: *id, revision: *revision, shapes: Vec::new(), terms: Vec::new() };
        for row in rows {
            let Some(language) = row.language else { continue };
            if searched.shapes.last().is_none_or(|shape| shape.language != language) {
                let (passages, words) = (row.passages, row.words);
                searched.shapes.push(Shape { language: language.clone(), passages, words });
            }
            let having = row.having;
            searched.terms.extend(row.lexeme.map(|lexeme| WantedTerm { language, lexeme, having }));
        }
        Some(searched)
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
