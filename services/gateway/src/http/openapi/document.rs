//! Putting the document together.
#![expect(clippy::indexing_slicing, reason = "assigning to a name of a JSON object inserts it")]

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{oauth, optional, parameters, responses, schemas, texts};
use crate::http::knowledge_bases::documents::put;
use crate::http::operation::{OPERATIONS, Operation, Shape};
use crate::http::{
    account, api_keys, audit_log, conversations, customers, dead_letters, error, executions, knowledge_bases,
    messages, oauth_clients, runners, secrets, workflows,
};

const DESCRIPTION: &str = "Turnloom runs conversational workflows: a customer writes, Turnloom finds the workflow that the message starts \
or continues, walks its nodes, records every step, and replies.

**Authentication.** `Authorization: Bearer <API key>`. Each operation says which level of key it needs; each level includes those before \
it: `read_only`, `read_write`, `full_access`. Programs that act for an account come by OAuth 2.0 instead: what `/oauth/token` gives them is sent in the \
same header, its scopes are the levels, and its limits are its client's.

**Limits.** Per key and sliding hour: see `x-rate-limit-class` of each operation; other limits may be set for an account or a key. Answers carry \
`RateLimit-Policy`, `RateLimit`, `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (Unix time, seconds); 429 and 503 \
carry `Retry-After`. An address that sends too many requests at once, whoever it is, is also answered with 429.

**Repetitions.** Every `POST` takes an `Idempotency-Key` of 1 to 128 visible characters, which belongs to the account and the operation. \
For 24 hours the same path, query and body with the same key are answered as at first, byte for byte, with `Idempotency-Replayed: true`; \
others are refused (`IDEMPOTENCY_KEY_REUSED`). One that is sent while the first is under way waits for it, and is refused (`CONFLICT`) when \
that takes long. What ended with a status of 500 or more, or was cut off, is carried out again.

**Reads** answer `HEAD` as they answer `GET`, without the body. They carry an `ETag`; sent back as `If-None-Match` it makes the answer \
304 without a body when nothing has changed.

**Errors.** Every answer that is not a success is `{\"error\": {code, message, details, field, request_id}}`. Unknown fields and \
parameters are refused, and fields that are given twice, so that a typo never passes silently.

**Times** are RFC 3339 in UTC. Lists are newest first.";

/// The whole document.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.method.as_str().to_ascii_lowercase()] = describe(operation);
    }
    oauth::describe(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Turnloom API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"api_key": []}, {"oauth2": []}],
        "tags": [
            {"name": "workflows", "description": "What runs."},
            {"name": "executions", "description": "What ran: one execution is one turn."},
            {"name": "messages", "description": "The one door for customers' messages."},
            {"name": "conversations", "description": "Customers on channels: where they stand, and how people take part."},
            {"name": "keys", "description": "What lets callers in, the account that it belongs to, and what was changed with it."},
            {"name": "oauth", "description": "What lets programs act for an account without one of its keys (RFC 6749, 7636, 7009, 8414, 9068, 9207)."},
            {"name": "secrets", "description": "What calls to other systems need and nobody may read."},
            {"name": "knowledge", "description": "What answers are taken from."},
            {"name": "events", "description": "What happens, as it happens."},
            {"name": "operations", "description": "What those who run Turnloom see and do."},
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "api_key": {"type": "http", "scheme": "bearer", "bearerFormat": "tl_…"},
                "oauth2": oauth::scheme(),
            },
            "schemas": components(),
            "headers": responses::headers(),
            "examples": responses::error_examples(),
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let tag = match operation.path {
        path if path.contains("/knowledge-bases") => "knowledge",
        path if path.contains("/conversations") || path.contains("/customers") => "conversations",
        path if path.contains("/executions") => "executions",
        path if path.contains("/messages") => "messages",
        path if path.contains("/secrets") => "secrets",
        path if path.contains("/api-keys") || path.contains("/account") => "keys",
        path if path.contains("/audit-log") => "keys",
        path if path.contains("/oauth-clients") => "oauth",
        "/v1/events" => "events",
        path if path.contains("/runners") || path.contains("/dead-letters") => "operations",
        _ => "workflows",
    };
    let class = operation.class;
    let description = format!(
        "{}\n\nNeeds a `{}` key. Counts as `{}`: {} requests per key and hour unless others are set.",
        operation.description,
        operation.level.as_str(),
        class.as_str(),
        class.usual_limit()
    );
    let mut described = json!({
        "operationId": operation.id,
        "tags": [tag],
        "summary": operation.summary,
        "description": description,
        "x-key-level": operation.level.as_str(),
        "security": [{"api_key": []}, {"oauth2": [operation.level.as_str()]}],
        "x-rate-limit-class": class.as_str(),
        "parameters": parameters::of(operation),
        "responses": responses::of(operation),
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": !body.optional,
            "content": {"application/json": {"schema": reference(body.schema), "example": parsed(body.example)}},
        });
    }
    if operation.id == put::OPERATION.id {
        described["requestBody"] = documents_body();
    }
    described
}

/// A document is sent as it is.
fn documents_body() -> Value {
    let content: Map<String, Value> = put::MEDIA_TYPES
        .iter()
        .map(|kind| ((*kind).to_owned(), json!({"schema": {"type": "string", "format": "binary"}})))
        .collect();
    json!({"required": true, "content": content})
}

pub(super) fn shaped(shape: &Shape) -> Value {
    match shape {
        Shape::Plain(schema) => reference(schema),
        Shape::One(schema) => object(&json!({"data": reference(schema)})),
        Shape::Changed(schema) => object(&json!({
            "data": reference(schema),
            "warnings": {"type": "array", "items": reference("Problem")},
        })),
        Shape::List(schema) => object(&json!({
            "data": {"type": "array", "items": reference(schema)},
            "pagination": reference("Pagination"),
        })),
        Shape::Onward(schema) => object(&json!({
            "data": {"type": "array", "items": reference(schema)},
            "pagination": reference("CursorPagination"),
        })),
        Shape::Events => json!({"type": "string"}),
    }
}

/// An object with exactly these properties.
fn object(properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

pub(super) fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

pub(super) fn parsed(example: &str) -> Value {
    serde_json::from_str(example).unwrap_or(Value::Null)
}

/// The schemas of all types, by name.
fn components() -> Value {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<error::Envelope<'_>>(&mut found);
    add::<workflows::view::SummaryView>(&mut found);
    add::<workflows::list::Pagination>(&mut found);
    add::<workflows::validate::ValidationView>(&mut found);
    add::<workflows::activate::ActivatedView>(&mut found);
    add::<workflows::deactivate::DeactivatedView>(&mut found);
    add::<workflows::delete::DeletedView>(&mut found);
    add::<workflows::metrics::MetricsView>(&mut found);
    add::<executions::view::ExecutionView>(&mut found);
    add::<executions::start::AcceptedView>(&mut found);
    add::<messages::send::AcceptedView>(&mut found);
    add::<messages::send::HandledView>(&mut found);
    add::<messages::get::MessageView>(&mut found);
    add::<conversations::view::ConversationView>(&mut found);
    add::<conversations::view::SaidView>(&mut found);
    add::<conversations::say::SentView>(&mut found);
    add::<conversations::events::EventsView>(&mut found);
    add::<conversations::Onward>(&mut found);
    add::<customers::erase::ErasedView>(&mut found);
    add::<knowledge_bases::view::BaseView>(&mut found);
    add::<knowledge_bases::view::DocumentView>(&mut found);
    add::<knowledge_bases::view::ResultView>(&mut found);
    add::<runners::RunnersView>(&mut found);
    add::<dead_letters::view::DeadLetterView>(&mut found);
    add::<secrets::SecretView>(&mut found);
    add::<secrets::list::SecretsView>(&mut found);
    add::<account::AccountView>(&mut found);
    add::<api_keys::view::KeyView>(&mut found);
    add::<api_keys::view::SecretView>(&mut found);
    add::<oauth_clients::view::ClientView>(&mut found);
    add::<oauth_clients::view::SecretView>(&mut found);
    add::<schemas::oauth::NewOAuthClient>(&mut found);
    add::<schemas::oauth::OAuthError>(&mut found);
    add::<schemas::oauth::OAuthTokens>(&mut found);
    add::<schemas::oauth::OAuthKeys>(&mut found);
    add::<schemas::oauth::OAuthMetadata>(&mut found);
    add::<audit_log::EntryView>(&mut found);
    add::<schemas::NewWorkflow>(&mut found);
    add::<schemas::WorkflowChange>(&mut found);
    add::<schemas::Nothing>(&mut found);
    add::<schemas::Deactivation>(&mut found);
    add::<schemas::NewMessage>(&mut found);
    add::<schemas::NewExecution>(&mut found);
    add::<schemas::NewSecret>(&mut found);
    add::<schemas::keys::NewApiKey>(&mut found);
    add::<schemas::keys::Rotation>(&mut found);
    add::<schemas::conversations::Assignment>(&mut found);
    add::<schemas::conversations::NewConversationMessage>(&mut found);
    add::<schemas::knowledge::NewKnowledgeBase>(&mut found);
    add::<schemas::knowledge::KnowledgeSearch>(&mut found);
    let mut components: Map<String, Value> =
        found.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    workflow_with_configuration(&mut components);
    summary(&mut components, "Execution", "steps", "One turn, without its steps.");
    summary(&mut components, "Conversation", "variables", "A conversation, without its variables.");
    nodes(&mut components);
    texts::describe(&mut components);
    optional::describe(&mut components);
    components.sort_keys();
    Value::Object(components)
}

/// A type and all that it is made of.
fn add<T: ToSchema>(found: &mut Vec<(String, RefOr<Schema>)>) {
    found.push((T::name().into_owned(), T::schema()));
    T::schemas(found);
}

/// One `Workflow` is a `WorkflowSummary` with its configuration.
fn workflow_with_configuration(components: &mut Map<String, Value>) {
    let Some(mut workflow) = components.get("WorkflowSummary").cloned() else { return };
    workflow["description"] = json!("A workflow with its configuration, as it was written.");
    workflow["properties"]["configuration"] = reference("Configuration");
    if let Some(required) = workflow["required"].as_array_mut() {
        required.push(json!("configuration"));
    }
    components.insert("Workflow".to_owned(), workflow);
}

/// Lists leave a member out.
fn summary(components: &mut Map<String, Value>, name: &str, without: &str, description: &str) {
    let Some(mut schema) = components.get(name).cloned() else { return };
    schema["description"] = json!(description);
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove(without);
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| name != without);
    }
    components.insert(format!("{name}Summary"), schema);
}

/// A node is one of its types, told apart by `type`.
fn nodes(components: &mut Map<String, Value>) {
    let kinds: [(&str, Value); 10] = [
        ("message", node::<schemas::nodes::MessageNode>(components)),
        ("form", node::<schemas::nodes::FormNode>(components)),
        ("ai_response", node::<schemas::nodes::AiResponseNode>(components)),
        ("condition", node::<schemas::nodes::ConditionNode>(components)),
        ("set", node::<schemas::nodes::SetNode>(components)),
        ("delay", node::<schemas::nodes::DelayNode>(components)),
        ("http_request", node::<schemas::nodes::HttpRequestNode>(components)),
        ("sentiment", node::<schemas::nodes::SentimentNode>(components)),
        ("handoff", node::<schemas::nodes::HandoffNode>(components)),
        ("end", node::<schemas::nodes::EndNode>(components)),
    ];
    let mut choices = Vec::new();
    let mut mapping = Map::new();
    for (kind, name) in kinds {
        let Some(name) = name.as_str() else { continue };
        if let Some(schema) = components.get_mut(name) {
            schema["properties"]["type"] = json!({"type": "string", "enum": [kind]});
            if let Some(required) = schema["required"].as_array_mut() {
                required.insert(1, json!("type"));
            }
        }
        choices.push(reference(name));
        mapping.insert(kind.to_owned(), json!(format!("#/components/schemas/{name}")));
    }
    let node = json!({
        "description": "One node of the flow; its fields depend on its `type`.",
        "oneOf": choices,
        "discriminator": {"propertyName": "type", "mapping": mapping},
    });
    components.insert("Node".to_owned(), node);
}

fn node<T: ToSchema>(components: &mut Map<String, Value>) -> Value {
    let mut found = Vec::new();
    add::<T>(&mut found);
    for (name, schema) in found {
        components.entry(name).or_insert_with(|| json!(schema));
    }
    json!(T::name())
}

impl PartialSchema for schemas::nodes::Node {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Schema::default())
    }
}

impl ToSchema for schemas::nodes::Node {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::operation::COMMON_ERRORS;
    use crate::limit::Class;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| match value.as_str() {
                Some(text) if name == "$ref" => found.push(text),
                _ => references(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_names_something() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let mut ids: Vec<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), OPERATIONS.len());
    }

    #[test]
    fn every_class_has_operations() {
        for class in Class::ALL {
            assert!(OPERATIONS.iter().any(|operation| operation.class == class), "{class:?}");
        }
    }

    #[test]
    fn every_example_fits_its_schema() {
        let document = document();
        let fits = |schema: &Value, example: &Value| {
            let mut schema = schema.clone();
            schema["components"] = document["components"].clone();
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let errors: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{example}: {errors:?}");
        };
        for operation in OPERATIONS {
            if let Some(body) = &operation.body {
                fits(&reference(body.schema), &parsed(body.example));
            }
            for answer in operation.answers {
                fits(&shaped(&answer.schema), &parsed(answer.example));
            }
            for code in operation.errors.iter().chain(&COMMON_ERRORS) {
                fits(&reference("Error"), &responses::error_example(*code));
            }
        }
    }
}
