//! Bodies of the operations on knowledge bases.

use serde::Serialize;
use utoipa::ToSchema;

/// A knowledge base to be made.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewKnowledgeBase {
    /// Unique in the account, without regard to case; no id.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    #[schema(value_type = String, required = false, max_length = 2000)]
    description: Option<String>,
    /// Of all documents; each document's own is detected unless given.
    #[schema(value_type = Language, required = false)]
    language: Option<Language>,
}

/// What to search for.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KnowledgeSearch {
    /// A question as a customer would ask it, or words.
    #[schema(min_length = 1, max_length = 1000)]
    query: String,
    /// Passages at most; 5 unless given.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 20)]
    limit: Option<u32>,
    /// Only documents of this language.
    #[schema(value_type = Language, required = false)]
    language: Option<Language>,
}

/// A language that can be searched in, ISO 639-1; `und` is any other one, whose words are searched as they stand.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Language {
    Ar,
    Ca,
    Da,
    De,
    El,
    En,
    Es,
    Eu,
    Fi,
    Fr,
    Ga,
    Hi,
    Hu,
    Hy,
    Id,
    It,
    Lt,
    Ne,
    Nl,
    No,
    Pt,
    Ro,
    Ru,
    Sr,
    Sv,
    Tr,
    Und,
}
