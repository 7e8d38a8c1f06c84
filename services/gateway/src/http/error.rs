//! The error envelope: every answer that is not a success looks the same.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

tokio::task_local! {
    /// The id of the request that this task works on.
    pub(super) static REQUEST_ID: String;
}

/// Marks an answer that sending the request again would not change, though its status is that of a fault of ours.
struct Final;

/// Whether an answer is what became of the request, once and for all, though its status is that of a fault of ours.
pub(super) fn is_final<B>(response: &HttpResponse<B>) -> bool {
    response.extensions().contains::<Final>()
}

/// Seconds after which a caller may try again when a dependency is away.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a request was not done.
#[derive(Debug)]
pub(crate) struct ApiError {
    failure: Box<Failure>,
    allowed: Option<&'static str>,
    retry_after: Option<u64>,
    request_id: Option<String>,
}

impl ApiError {
    /// With an explanation.
    pub fn because(code: ErrorCode, details: impl Into<String>) -> Self {
        Failure::because(code, details).into()
    }

    /// With the code's own sentence.
    pub fn of(code: ErrorCode) -> Self {
        Failure::of(code).into()
    }

    /// A problem of one field, parameter or header.
    pub fn invalid(field: &str, details: impl Into<String>) -> Self {
        Failure::because(ErrorCode::InvalidRequest, details).at(field).into()
    }

    /// With the field, parameter or header that is to blame.
    pub fn at(mut self, field: &str) -> Self {
        field.clone_into(&mut self.failure.field);
        self
    }

    /// With the methods that the route takes.
    pub fn allowing(self, methods: &'static str) -> Self {
        Self { allowed: Some(methods), ..self }
    }

    /// With the seconds after which the same request may be tried again.
    pub fn retrying_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// With the id of its request, for an answer that is written after the request's task is gone.
    pub fn with_request_id(self, id: &str) -> Self {
        Self { request_id: Some(id.to_owned()), ..self }
    }

    /// Its code.
    pub fn code(&self) -> ErrorCode {
        self.failure.error_code()
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self { failure: Box::new(failure), allowed: None, retry_after: None, request_id: None }
    }
}

impl From<Vec<Problem>> for ApiError {
    fn from(problems: Vec<Problem>) -> Self {
        let problems = problems
            .into_iter()
            .map(|problem| v1::Problem {
                code: problem.code.as_str().to_owned(),
                field: problem.field,
                message: problem.message,
            })
            .collect();
        Failure::from_problems(problems).into()
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.failure.code, self.failure.details)
    }
}

/// Every answer that is not a success.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(in crate::http) struct Envelope<'a> {
    error: Shown<'a>,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorDetails)]
pub(in crate::http) struct Shown<'a> {
    /// For programs. The HTTP status belongs to it.
    #[schema(value_type = String)]
    code: &'static str,
    /// For people.
    message: &'a str,
    /// What exactly.
    details: &'a str,
    /// The path of the field, or the name of the parameter or header, that is to blame.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    field: &'a str,
    /// All problems of a document; the first of them is the one above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<ShownProblem<'a>>,
    /// The request's id, as in the header `x-request-id`.
    request_id: String,
}

/// One problem of a document.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorProblem)]
pub(in crate::http) struct ShownProblem<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    field: &'a str,
    message: &'a str,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let code = self.code();
        let failure = &self.failure;
        let request_id = self.request_id.clone();
        let envelope = Envelope {
            error: Shown {
                code: code.as_str(),
                message: if failure.message.is_empty() { code.message() } else { &failure.message },
                details: if failure.details.is_empty() { code.message() } else { &failure.details },
                field: &failure.field,
                errors: failure
                    .errors
                    .iter()
                    .map(|problem| ShownProblem {
                        code: &problem.code,
                        field: &problem.field,
                        message: &problem.message,
                    })
                    .collect(),
                request_id: request_id.or_else(|| REQUEST_ID.try_with(Clone::clone).ok()).unwrap_or_default(),
            },
        };
        let mut response = HttpResponse::build(self.status_code()).json(envelope);
        if code == ErrorCode::WorkflowExecutionFailed {
            response.extensions_mut().insert(Final);
        }
        let headers = response.headers_mut();
        match code {
            ErrorCode::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ErrorCode::ServiceUnavailable | ErrorCode::Timeout | ErrorCode::RateLimitExceeded => {
                let seconds = self.retry_after.unwrap_or(RETRY_AFTER_SECONDS);
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        if let Some(allowed) = self.allowed {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_has_failed_is_what_became_of_the_request() {
        assert!(is_final(&ApiError::of(ErrorCode::WorkflowExecutionFailed).error_response()));
        assert!(!is_final(&ApiError::of(ErrorCode::InternalError).error_response()));
    }
}
