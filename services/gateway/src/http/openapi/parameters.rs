//! What a request carries beside its body.
#![expect(clippy::indexing_slicing, reason = "assigning to a name of a JSON object inserts it")]

use flow_model::limits::MESSAGE_ID_CHARS_MAX;
use serde_json::{Value, json};

use super::texts::VISIBLE;
use crate::http::knowledge_bases::DOCUMENT_ID_PATTERN;
use crate::http::messages::send;
use crate::http::operation::{Kind, Operation, Parameter, RequestHeader};
use crate::tail::place::PLACE_CHARS_MAX;

/// All parameters of an operation.
pub(super) fn of(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "schema": path_schema(name),
                "example": path_example(name),
            })
        })
        .collect();
    parameters.extend(operation.query.iter().map(query_parameter));
    parameters.extend(operation.headers.iter().map(|header| header_parameter(*header)));
    if operation.takes_idempotency_key() {
        parameters.push(idempotency_key(operation));
    }
    if operation.is_conditional() {
        let description =
            "An `ETag` that was read before: when nothing has changed the answer is 304, without a body";
        parameters.push(in_header("If-None-Match", description, &json!({"type": "string"})));
    }
    parameters
}

fn header_parameter(header: RequestHeader) -> Value {
    match header {
        RequestHeader::Prefer => {
            let description = "`wait=<seconds>`, 1 to 30: answers with the execution when it is over in time. Other preferences are passed over (RFC 7240)";
            in_header("Prefer", description, &json!({"type": "string", "examples": ["wait=10"]}))
        }
        RequestHeader::IfMatch => {
            let description =
                "The `ETag` that the workflow was read with; another version is refused with 412";
            in_header("If-Match", description, &json!({"type": "string", "minLength": 1}))
        }
        RequestHeader::LastEventId => {
            let description =
                "The `id` that was heard last: goes on after it. Browsers send it when they come again";
            let schema = json!({"type": "string", "maxLength": PLACE_CHARS_MAX});
            in_header("Last-Event-ID", description, &schema)
        }
    }
}

/// Of every `POST`.
fn idempotency_key(operation: &Operation) -> Value {
    let of_messages = if operation.id == send::OPERATION.id {
        " Serves as the `message_id` of a message that has none, too"
    } else {
        ""
    };
    let description = format!(
        "Of the caller's choice, for 24 hours: the same request with the same key is done once and each time answered as at first.{of_messages}"
    );
    let schema =
        json!({"type": "string", "minLength": 1, "maxLength": MESSAGE_ID_CHARS_MAX, "pattern": VISIBLE});
    in_header("Idempotency-Key", &description, &schema)
}

fn in_header(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": description, "schema": schema})
}

/// What is no id names nothing and is answered with 404; only a document gets its id by its path.
fn path_schema(name: &str) -> Value {
    match name {
        "document_id" => json!({"type": "string", "pattern": DOCUMENT_ID_PATTERN}),
        "name" => json!({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}),
        _ => json!({"type": "string", "minLength": 1}),
    }
}

fn path_example(name: &str) -> &'static str {
    match name {
        "workflow_id" => "workflow-01a20acf-9cb2-767f-9572-1d0534001a8a",
        "knowledge_base_id" => "support-kb",
        "document_id" => "returns.md",
        "conversation_id" => "conversation-1f6b2c1e-7a0d-5b58-9d5e-0f3a52c5b0b4",
        "customer_id" => "customer-456",
        "dead_letter_id" => "dead-letter-01a20acf-9e01-7d2c-8a4b-52b7c1f0a9d3",
        "execution_id" => "execution-01a20acf-9d55-740b-a930-a6d23b7b2563",
        "api_key_id" => "api-key-01a20acf-9cb2-767f-9572-1d0534001a8a",
        "oauth_client_id" => "oauth-client-01a20acf-9cb2-767f-9572-1d0534001a8a",
        "name" => "crm_token",
        _ => "wamid-1",
    }
}

fn query_parameter(parameter: &Parameter) -> Value {
    let schema = match &parameter.kind {
        Kind::Number { min, max, default } => {
            json!({"type": "integer", "format": "int64", "minimum": min, "maximum": max, "default": default})
        }
        Kind::Choice(choices) => json!({"type": "string", "enum": choices}),
        Kind::Choices(choices) => {
            json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": choices}})
        }
        Kind::Text { chars_max, pattern, example } => {
            let mut schema =
                json!({"type": "string", "minLength": 1, "maxLength": chars_max, "pattern": pattern});
            if !example.is_empty() {
                schema["examples"] = json!([example]);
            }
            schema
        }
        Kind::Time { example } => json!({
            "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
            "examples": [example],
        }),
        Kind::Zone => {
            json!({"type": "string", "minLength": 1, "default": "UTC", "examples": ["Europe/Berlin"]})
        }
        Kind::Id(kind) => json!({
            "type": "string",
            "pattern": format!("^{kind}-[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$"),
        }),
    };
    let mut described = json!({
        "name": parameter.name, "in": "query", "required": parameter.required,
        "description": parameter.description, "schema": schema,
    });
    if matches!(parameter.kind, Kind::Choices(_)) {
        described["style"] = json!("form");
        described["explode"] = json!(false);
    }
    described
}
