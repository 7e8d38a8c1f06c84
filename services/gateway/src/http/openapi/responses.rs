//! What is answered, and its headers.
#![expect(clippy::indexing_slicing, reason = "assigning to a name of a JSON object inserts it")]

use actix_web::http::Method;
use contracts::ErrorCode;
use serde_json::{Map, Value, json};

use super::document::{parsed, reference, shaped};
use crate::http::operation::{Answer, COMMON_ERRORS, Operation, RequestHeader, Shape};

const COMMON_HEADERS: [&str; 6] = [
    "X-Request-Id",
    "RateLimit-Policy",
    "RateLimit",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
];

/// On an answer that was given before.
const REPLAYED: &str = "Idempotency-Replayed";
/// Why an operation may refuse that takes an `Idempotency-Key`.
const REPEATED_ERRORS: [ErrorCode; 2] = [ErrorCode::Conflict, ErrorCode::IdempotencyKeyReused];

/// All answers of an operation, by status.
pub(super) fn of(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for answer in operation.answers {
        responses.insert(answer.status.to_string(), success(operation, answer));
    }
    if operation.is_conditional() {
        responses.insert("304".to_owned(), unchanged());
    }
    let repeated: &[ErrorCode] = if operation.takes_idempotency_key() { &REPEATED_ERRORS } else { &[] };
    let own = operation.errors.iter().filter(|code| !repeated.contains(code));
    let mut errors: Vec<ErrorCode> = COMMON_ERRORS.iter().chain(own).chain(repeated).copied().collect();
    errors.sort_by_key(|code| code.status());
    for of_status in errors.chunk_by(|one, other| one.status() == other.status()) {
        let Some(first) = of_status.first() else { continue };
        responses.insert(first.status().to_string(), refusal(operation, of_status));
    }
    Value::Object(responses)
}

fn success(operation: &Operation, answer: &Answer) -> Value {
    let mut headers = common_headers();
    if operation.is_conditional() || matches!(answer.schema, Shape::Changed(_)) {
        headers.insert("ETag".to_owned(), header_reference("ETag"));
    }
    if operation.takes_idempotency_key() {
        headers.insert(REPLAYED.to_owned(), header_reference(REPLAYED));
    }
    if answer.status == 201 && operation.method == Method::POST {
        headers.insert("Location".to_owned(), header_reference("Location"));
    }
    if operation.understands(RequestHeader::Prefer) && answer.status == 200 {
        headers.insert("Preference-Applied".to_owned(), header_reference("Preference-Applied"));
    }
    json!({
        "description": answer.description,
        "headers": headers,
        "content": {media_type(&answer.schema): {"schema": shaped(&answer.schema), "example": parsed(answer.example)}},
    })
}

fn media_type(shape: &Shape) -> &'static str {
    match shape {
        Shape::Plain(_) | Shape::One(_) | Shape::Changed(_) | Shape::List(_) | Shape::Onward(_) => {
            "application/json"
        }
        Shape::Events => "text/event-stream",
    }
}

/// Nothing has changed since the caller read it.
fn unchanged() -> Value {
    let mut headers = common_headers();
    headers.insert("ETag".to_owned(), header_reference("ETag"));
    json!({"description": "What the caller has read is still so: `If-None-Match` names it", "headers": headers})
}

fn refusal(operation: &Operation, codes: &[ErrorCode]) -> Value {
    let mut headers = common_headers();
    if operation.takes_idempotency_key() && codes.iter().all(|code| is_kept(code.status())) {
        headers.insert(REPLAYED.to_owned(), header_reference(REPLAYED));
    }
    let retried = |code: &ErrorCode| matches!(code.status(), 429 | 503 | 504);
    if codes.iter().any(retried) {
        headers.insert("Retry-After".to_owned(), header_reference("Retry-After"));
    }
    if codes.contains(&ErrorCode::Unauthorized) {
        headers.insert("WWW-Authenticate".to_owned(), header_reference("WWW-Authenticate"));
    }
    let meanings: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.message())).collect();
    let example = |code: &ErrorCode| json!({"$ref": format!("#/components/examples/{}", code.as_str())});
    let examples: Map<String, Value> =
        codes.iter().map(|code| (code.as_str().to_owned(), example(code))).collect();
    json!({
        "description": meanings.join("\n\n"),
        "headers": headers,
        "content": {"application/json": {"schema": reference("Error"), "examples": examples}},
    })
}

/// Whether an answer with this status may be one that was given before. Who is not let in has none.
fn is_kept(status: u16) -> bool {
    status < 500 && ![401, 403, 429].contains(&status)
}

/// One refusal for each code.
pub(super) fn error_examples() -> Map<String, Value> {
    let example = |code: ErrorCode| json!({"summary": format!("{}: {}", code.status(), code.message()), "value": error_example(code)});
    ErrorCode::ALL.into_iter().map(|code| (code.as_str().to_owned(), example(code))).collect()
}

pub(super) fn error_example(code: ErrorCode) -> Value {
    let (details, field) = match code {
        ErrorCode::InvalidWorkflowConfig => {
            ("Node 'welcome' is missing required field 'content'", "configuration.nodes[0].content")
        }
        ErrorCode::InvalidNodeConfig => ("must be an http or https URL", "configuration.nodes[0].url"),
        ErrorCode::MissingRequiredField => ("Field 'name' is missing", "name"),
        ErrorCode::KnowledgeBaseAlreadyExists => {
            ("Another knowledge base of the account has this name", "name")
        }
        ErrorCode::DocumentUnreadable => ("The PDF is encrypted", ""),
        ErrorCode::WorkflowAlreadyExists => ("Another workflow of the account has this name", "name"),
        _ => (code.message(), ""),
    };
    let mut error = json!({"code": code.as_str(), "message": code.message(), "details": details});
    if !field.is_empty() {
        error["field"] = json!(field);
    }
    error["request_id"] = json!("request-01a20acf-9d55-740b-a930-a6d23b7b2563");
    json!({"error": error})
}

/// The headers that every answer may carry.
fn common_headers() -> Map<String, Value> {
    COMMON_HEADERS.into_iter().map(|name| (name.to_owned(), header_reference(name))).collect()
}

fn header_reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// All headers, by name.
pub(super) fn headers() -> Value {
    let header =
        |description: &str, kind: &str| json!({"description": description, "schema": {"type": kind}});
    json!({
        "RateLimit-Policy": header("Class, quota and window in seconds: `\"read\";q=1000;w=3600`", "string"),
        "RateLimit": header("Class, requests left, seconds until there are more: `\"read\";r=999;t=3600`", "string"),
        "X-RateLimit-Limit": header("Requests per hour", "integer"),
        "X-RateLimit-Remaining": header("Requests left", "integer"),
        "X-RateLimit-Reset": header("When there are more, Unix time in seconds", "integer"),
        "Retry-After": header("Seconds until the request may be tried again", "integer"),
        "ETag": header("What was answered is told apart by this: strong, with its version, of a workflow, weak of everything else", "string"),
        "X-Request-Id": header("The request's id: the caller's own `X-Request-Id`, or one that was made for it", "string"),
        "Preference-Applied": header("`wait` when the caller has waited", "string"),
        "Idempotency-Replayed": header("`true` when the request was sent before, with the same `Idempotency-Key`, and this is what was answered then", "string"),
        "WWW-Authenticate": header("`Bearer`", "string"),
        "Location": header("Where it is", "string"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::operation::OPERATIONS;

    #[test]
    fn every_answer_is_described_with_the_headers_that_it_carries() {
        for operation in OPERATIONS {
            let responses = of(operation);
            let has = |status: &str, header: &str| {
                responses[status]["headers"].get(header).is_some_and(|known| known["$ref"].is_string())
            };
            for (status, _) in responses.as_object().into_iter().flatten() {
                assert!(has(status, "X-Request-Id"), "{} {status}", operation.id);
            }
            assert!(has("401", "WWW-Authenticate"), "{}", operation.id);
            let waits = operation.understands(RequestHeader::Prefer);
            assert_eq!(has("200", "Preference-Applied"), waits, "{}", operation.id);
            let repeatable = operation.method == Method::POST;
            assert_eq!(has("400", "Idempotency-Replayed"), repeatable, "{}", operation.id);
            assert!(!has("503", "Idempotency-Replayed"), "{}", operation.id);
            let conditional = operation.is_conditional();
            assert_eq!(has("304", "ETag") && has("200", "ETag"), conditional, "{}", operation.id);
        }
    }
}
