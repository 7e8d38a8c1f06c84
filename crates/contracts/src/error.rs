//! The error codes of the public API and of replies on the bus: one list for both.

use crate::v1::{Failure, Problem};

/// Every code that an API consumer can meet. The HTTP status belongs to the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Malformed JSON, a bad query value, an unknown field.
    InvalidRequest,
    /// A top-level field is absent or blank.
    MissingRequiredField,
    /// The structure of a configuration is wrong.
    InvalidWorkflowConfig,
    /// The field is there, its value cannot work.
    InvalidNodeConfig,
    /// No key, or one that is not valid.
    Unauthorized,
    /// The key's level does not allow it.
    Forbidden,
    /// No such workflow in this account.
    WorkflowNotFound,
    /// No such execution of this workflow.
    ExecutionNotFound,
    /// No such conversation in this account.
    ConversationNotFound,
    /// No such message in this account.
    MessageNotFound,
    /// No such dead letter in this account.
    DeadLetterNotFound,
    /// No such secret in this account.
    SecretNotFound,
    /// No such key of this account.
    ApiKeyNotFound,
    /// No such OAuth client of this account.
    OAuthClientNotFound,
    /// No such knowledge base in this account.
    KnowledgeBaseNotFound,
    /// No such document in this knowledge base.
    DocumentNotFound,
    /// No such route.
    NotFound,
    /// The route exists with another method.
    MethodNotAllowed,
    /// The head or the body of the request did not come in time.
    RequestTimeout,
    /// The body is over the limit.
    PayloadTooLarge,
    /// The request line is over the limit.
    UriTooLong,
    /// The body is not JSON, or of no kind that is taken here.
    UnsupportedMediaType,
    /// A document that is broken, encrypted or empty.
    DocumentUnreadable,
    /// The name is taken in this account.
    WorkflowAlreadyExists,
    /// The name is taken in this account.
    KnowledgeBaseAlreadyExists,
    /// The state does not allow it.
    Conflict,
    /// The `Idempotency-Key` was sent with another request.
    IdempotencyKeyReused,
    /// The operator has set no key to seal secrets with.
    SecretsNotConfigured,
    /// `If-Match` names another version.
    PreconditionFailed,
    /// Over a rate limit.
    RateLimitExceeded,
    /// The head is over the limit, or has too many fields.
    HeadersTooLarge,
    /// The caller waited for an execution, and it failed.
    WorkflowExecutionFailed,
    /// A fault of ours; details are in the log only.
    InternalError,
    /// A dependency is away; nothing was stored.
    ServiceUnavailable,
    /// A dependency did not answer in time.
    Timeout,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [Self; 35] = [
        Self::InvalidRequest,
        Self::MissingRequiredField,
        Self::InvalidWorkflowConfig,
        Self::InvalidNodeConfig,
        Self::Unauthorized,
        Self::Forbidden,
        Self::WorkflowNotFound,
        Self::ExecutionNotFound,
        Self::ConversationNotFound,
        Self::MessageNotFound,
        Self::DeadLetterNotFound,
        Self::SecretNotFound,
        Self::ApiKeyNotFound,
        Self::OAuthClientNotFound,
        Self::KnowledgeBaseNotFound,
        Self::DocumentNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::PayloadTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::DocumentUnreadable,
        Self::WorkflowAlreadyExists,
        Self::KnowledgeBaseAlreadyExists,
        Self::Conflict,
        Self::IdempotencyKeyReused,
        Self::SecretsNotConfigured,
        Self::PreconditionFailed,
        Self::RateLimitExceeded,
        Self::HeadersTooLarge,
        Self::WorkflowExecutionFailed,
        Self::InternalError,
        Self::ServiceUnavailable,
        Self::Timeout,
    ];

    /// The code as the API spells it, such as `WORKFLOW_NOT_FOUND`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::MissingRequiredField => "MISSING_REQUIRED_FIELD",
            Self::InvalidWorkflowConfig => "INVALID_WORKFLOW_CONFIG",
            Self::InvalidNodeConfig => "INVALID_NODE_CONFIG",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::WorkflowNotFound => "WORKFLOW_NOT_FOUND",
            Self::ExecutionNotFound => "EXECUTION_NOT_FOUND",
            Self::ConversationNotFound => "CONVERSATION_NOT_FOUND",
            Self::MessageNotFound => "MESSAGE_NOT_FOUND",
            Self::DeadLetterNotFound => "DEAD_LETTER_NOT_FOUND",
            Self::SecretNotFound => "SECRET_NOT_FOUND",
            Self::ApiKeyNotFound => "API_KEY_NOT_FOUND",
            Self::OAuthClientNotFound => "OAUTH_CLIENT_NOT_FOUND",
            Self::KnowledgeBaseNotFound => "KNOWLEDGE_BASE_NOT_FOUND",
            Self::DocumentNotFound => "DOCUMENT_NOT_FOUND",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UriTooLong => "URI_TOO_LONG",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::DocumentUnreadable => "DOCUMENT_UNREADABLE",
            Self::WorkflowAlreadyExists => "WORKFLOW_ALREADY_EXISTS",
            Self::KnowledgeBaseAlreadyExists => "KNOWLEDGE_BASE_ALREADY_EXISTS",
            Self::Conflict => "CONFLICT",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::SecretsNotConfigured => "SECRETS_NOT_CONFIGURED",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::HeadersTooLarge => "HEADERS_TOO_LARGE",
            Self::WorkflowExecutionFailed => "WORKFLOW_EXECUTION_FAILED",
            Self::InternalError => "INTERNAL_ERROR",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// The code with this spelling. A code of a newer version reads as [`ErrorCode::InternalError`].
    #[must_use]
    pub fn parse(code: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.as_str() == code).unwrap_or(Self::InternalError)
    }

    /// The HTTP status that goes with the code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::MissingRequiredField | Self::InvalidWorkflowConfig => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::WorkflowNotFound
            | Self::ExecutionNotFound
            | Self::ConversationNotFound
            | Self::MessageNotFound
            | Self::DeadLetterNotFound
            | Self::SecretNotFound
            | Self::ApiKeyNotFound
            | Self::OAuthClientNotFound
            | Self::KnowledgeBaseNotFound
            | Self::DocumentNotFound
            | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::WorkflowAlreadyExists
            | Self::KnowledgeBaseAlreadyExists
            | Self::Conflict
            | Self::IdempotencyKeyReused
            | Self::SecretsNotConfigured => 409,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge => 413,
            Self::UriTooLong => 414,
            Self::UnsupportedMediaType => 415,
            Self::InvalidNodeConfig | Self::DocumentUnreadable => 422,
            Self::RateLimitExceeded => 429,
            Self::HeadersTooLarge => 431,
            Self::WorkflowExecutionFailed | Self::InternalError => 500,
            Self::ServiceUnavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// The sentence that goes with the code when nothing more precise is known.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::MissingRequiredField => "Required field is missing",
            Self::InvalidWorkflowConfig => "Workflow configuration is invalid",
            Self::InvalidNodeConfig => "Node configuration is invalid",
            Self::Unauthorized => "The API key is missing or not valid",
            Self::Forbidden => "The API key does not allow this operation",
            Self::WorkflowNotFound => "Workflow does not exist",
            Self::ExecutionNotFound => "Execution does not exist",
            Self::ConversationNotFound => "Conversation does not exist",
            Self::MessageNotFound => "Message does not exist",
            Self::DeadLetterNotFound => "Dead letter does not exist",
            Self::SecretNotFound => "Secret does not exist",
            Self::ApiKeyNotFound => "API key does not exist",
            Self::OAuthClientNotFound => "OAuth client does not exist",
            Self::KnowledgeBaseNotFound => "Knowledge base does not exist",
            Self::DocumentNotFound => "Document does not exist",
            Self::NotFound => "No such route",
            Self::MethodNotAllowed => "The route does not take this method",
            Self::RequestTimeout => "The request did not come in time",
            Self::PayloadTooLarge => "The request body is too large",
            Self::UriTooLong => "The address of the request is too long",
            Self::UnsupportedMediaType => "The request body must be application/json",
            Self::DocumentUnreadable => "The document cannot be read",
            Self::WorkflowAlreadyExists => "Workflow with this name already exists",
            Self::KnowledgeBaseAlreadyExists => "Knowledge base with this name already exists",
            Self::Conflict => "The current state does not allow this operation",
            Self::IdempotencyKeyReused => "The Idempotency-Key was sent with another request",
            Self::SecretsNotConfigured => "Secrets cannot be kept: the operator has set no key for them",
            Self::PreconditionFailed => "The workflow has changed since it was read",
            Self::RateLimitExceeded => "Too many requests",
            Self::HeadersTooLarge => "The headers of the request are too large or too many",
            Self::WorkflowExecutionFailed => "Workflow execution failed",
            Self::InternalError => "Internal error",
            Self::ServiceUnavailable => "The service is temporarily unavailable",
            Self::Timeout => "The service did not answer in time",
        }
    }
}

impl Failure {
    /// A refusal with the code's own sentence.
    #[must_use]
    pub fn of(code: ErrorCode) -> Self {
        Self { code: code.as_str().to_owned(), message: code.message().to_owned(), ..Self::default() }
    }

    /// The same with an explanation.
    #[must_use]
    pub fn because(code: ErrorCode, details: impl Into<String>) -> Self {
        Self { details: details.into(), ..Self::of(code) }
    }

    /// The same with the field that is to blame.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// All problems of one document; the first of them decides code, field and details. `problems` must not be empty.
    #[must_use]
    pub fn from_problems(problems: Vec<Problem>) -> Self {
        let Some(first) = problems.first() else { return Self::of(ErrorCode::InvalidRequest) };
        let code = ErrorCode::parse(&first.code);
        Self {
            code: first.code.clone(),
            message: code.message().to_owned(),
            details: first.message.clone(),
            field: first.field.clone(),
            errors: problems,
        }
    }

    /// The refusal's code.
    #[must_use]
    pub fn error_code(&self) -> ErrorCode {
        ErrorCode::parse(&self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_as_itself() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), code);
        }
    }
}
