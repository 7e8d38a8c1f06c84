//! Knowledge bases, documents and passages as the API shows them.

use contracts::v1;
use flow_model::KnowledgeBaseId;
use platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

/// Documents that answers are taken from.
#[derive(Serialize, ToSchema)]
#[schema(as = KnowledgeBase)]
pub(in crate::http) struct BaseView {
    #[schema(examples("knowledge-base-01a20acf-9cb2-767f-9572-1d0534001a8a"))]
    id: String,
    /// Unique in the account, without regard to case; may stand for the id everywhere.
    name: String,
    description: String,
    /// The language of all documents, ISO 639-1; null when each document's own is detected.
    #[schema(required)]
    language: Option<String>,
    document_count: u64,
    passage_count: u64,
    #[schema(format = DateTime)]
    created_at: String,
    /// When something in it was last put.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// One document of a knowledge base. Its bytes are not kept, only the passages that were read from them.
#[derive(Serialize, ToSchema)]
#[schema(as = KnowledgeDocument)]
pub(in crate::http) struct DocumentView {
    /// The caller's own.
    id: String,
    knowledge_base_id: String,
    title: String,
    content_type: String,
    /// ISO 639-1, or `und`, whose words are searched as they stand.
    language: String,
    bytes: u64,
    passage_count: u32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// What a search has found.
#[derive(Serialize, ToSchema)]
#[schema(as = KnowledgeSearchResult)]
pub(in crate::http) struct ResultView {
    knowledge_base_id: String,
    /// The best first.
    passages: Vec<PassageView>,
}

/// A piece of a document that speaks of what was searched for.
#[derive(Serialize, ToSchema)]
#[schema(as = KnowledgePassage)]
pub(in crate::http) struct PassageView {
    document_id: String,
    title: String,
    /// The headings that it stands under, from the outermost.
    headings: Vec<String>,
    /// Its number in the document, from 0.
    position: u32,
    text: String,
    language: String,
    /// The larger the better; comparable within one search only.
    score: f64,
    /// The part of the question that it speaks of, 0 to 1; rare words count for more.
    coverage: f64,
    /// How near its meaning is, -1 to 1; null where no embedding endpoint is set.
    #[schema(required)]
    similarity: Option<f64>,
}

fn id(bytes: &[u8]) -> String {
    KnowledgeBaseId::from_slice(bytes).map(|id| id.to_string()).unwrap_or_default()
}

impl From<&v1::KnowledgeBase> for BaseView {
    fn from(base: &v1::KnowledgeBase) -> Self {
        Self {
            id: id(&base.id),
            name: base.name.clone(),
            description: base.description.clone(),
            language: Some(base.language.clone()).filter(|language| !language.is_empty()),
            document_count: base.documents,
            passage_count: base.passages,
            created_at: rfc3339(base.created_at_ms),
            updated_at: rfc3339(base.updated_at_ms),
        }
    }
}

impl BaseView {
    /// Where it is.
    pub fn location(&self) -> String {
        format!("/v1/knowledge-bases/{}", self.id)
    }
}

impl From<&v1::KnowledgeDocument> for DocumentView {
    fn from(document: &v1::KnowledgeDocument) -> Self {
        Self {
            id: document.id.clone(),
            knowledge_base_id: id(&document.base_id),
            title: document.title.clone(),
            content_type: document.content_type.clone(),
            language: document.language.clone(),
            bytes: document.bytes,
            passage_count: document.passages,
            created_at: rfc3339(document.created_at_ms),
            updated_at: rfc3339(document.updated_at_ms),
        }
    }
}

impl From<v1::SearchKnowledgeResponse> for ResultView {
    fn from(found: v1::SearchKnowledgeResponse) -> Self {
        let passage = |passage: v1::FoundPassage| PassageView {
            document_id: passage.document,
            title: passage.title,
            headings: passage.headings,
            position: passage.position,
            text: passage.text,
            language: passage.language,
            score: passage.score,
            coverage: passage.coverage,
            similarity: passage.similarity,
        };
        Self {
            knowledge_base_id: id(&found.base_id),
            passages: found.passages.into_iter().map(passage).collect(),
        }
    }
}
