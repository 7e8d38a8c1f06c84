//! What is wrong with a document, and what is merely odd.

/// The kind of a problem; it decides the answer's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemCode {
    /// An unknown field, or a value of the wrong kind outside the configuration.
    InvalidRequest,
    /// A top-level field is absent or blank.
    MissingRequiredField,
    /// The structure of the configuration is wrong.
    InvalidWorkflowConfig,
    /// The field is there, its value cannot work.
    InvalidNodeConfig,
}

impl ProblemCode {
    /// As the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::MissingRequiredField => "MISSING_REQUIRED_FIELD",
            Self::InvalidWorkflowConfig => "INVALID_WORKFLOW_CONFIG",
            Self::InvalidNodeConfig => "INVALID_NODE_CONFIG",
        }
    }
}

/// Something that makes a document unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub code: ProblemCode,
    /// Its place, such as `configuration.nodes[0].content`; empty for the whole document.
    pub field: String,
    /// What is wrong, for people.
    pub message: String,
}

/// The kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningCode {
    /// A reference to a node that does not exist: the flow ends there.
    DanglingNext,
    /// A knowledge base that does not exist: the node gives its fallback until it does.
    KnowledgeBaseMissing,
}

impl WarningCode {
    /// As the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DanglingNext => "DANGLING_NEXT",
            Self::KnowledgeBaseMissing => "KNOWLEDGE_BASE_MISSING",
        }
    }
}

/// Something that works, but perhaps not as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its kind.
    pub code: WarningCode,
    /// Its place.
    pub field: String,
    /// What is odd, for people.
    pub message: String,
}
