//! The OpenAPI document that a gateway serves: the table that the attacks are driven by.

use std::collections::BTreeSet;

use fault_suite::failure::Failure;
use gateway::key::Level;
use reqwest::Method;
use serde_json::Value;
use testkit::Api;

use crate::calls;

/// An operation of the API, as far as attacks look at it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name.
    pub id: String,
    /// The method.
    pub method: Method,
    /// The route, with names such as `{workflow_id}`.
    pub path: String,
    /// The level that a key needs; none when it needs no key.
    pub level: Option<Level>,
    /// Parameters of the path and the query.
    pub parameters: Vec<Parameter>,
    /// The body that it takes.
    pub body: Option<Body>,
    /// The statuses that it may answer with.
    pub statuses: BTreeSet<u16>,
    /// Whether its answer has no end.
    pub is_endless: bool,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it stands in the path.
    pub in_path: bool,
    /// Whether the operation needs it.
    pub required: bool,
    /// A value that it may have.
    pub example: String,
}

/// A body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Its media type.
    pub media: String,
    /// One that works; null when the document gives none.
    pub example: Value,
    /// The fields that it may have at the top.
    pub fields: BTreeSet<String>,
}

/// Reads the document that a gateway serves.
///
/// # Errors
/// When it is not served.
pub async fn read(api: &Api) -> Result<Vec<Operation>, Failure> {
    let answer = calls::get(api, "/v1/openapi.json").await?;
    let paths = answer.body.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or_else(|| Failure::broken("no OpenAPI document is served"))?;
    let mut operations = Vec::new();
    for (path, methods) in paths {
        let methods = methods.as_object().into_iter().flatten();
        for (method, described) in methods.filter(|(_, described)| described.get("responses").is_some()) {
            operations.push(operation(path, method, described, &answer.body)?);
        }
    }
    Ok(operations)
}

fn operation(path: &str, method: &str, described: &Value, document: &Value) -> Result<Operation, Failure> {
    let id = calls::text(described, "operationId");
    let broken = |what: &str| Failure::broken(format!("the document says of {method} {path} {what}"));
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).map_err(|_| broken("no method"))?;
    let level = match described.get("x-key-level").and_then(Value::as_str) {
        Some(level) => Some(level.parse().map_err(|_| broken("no known level"))?),
        // What needs no key says so.
        None if described.get("security").and_then(Value::as_array).is_some_and(Vec::is_empty) => None,
        None => return Err(broken("neither a level nor that no key is needed")),
    };
    let parameters = described.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let responses = described.get("responses").and_then(Value::as_object);
    let statuses = responses.into_iter().flatten().filter_map(|(status, _)| status.parse().ok()).collect();
    let streams = |response: &Value| response.pointer("/content/text~1event-stream").is_some();
    Ok(Operation {
        id,
        method,
        path: path.to_owned(),
        level,
        parameters: parameters
            .filter_map(|parameter| self::parameter(resolve(parameter, document)))
            .collect(),
        body: described.get("requestBody").and_then(|body| self::body(resolve(body, document), document)),
        statuses,
        is_endless: responses.is_some_and(|responses| responses.values().any(streams)),
    })
}

fn parameter(described: &Value) -> Option<Parameter> {
    let in_path = match described.get("in")?.as_str()? {
        "path" => true,
        "query" => false,
        _ => return None,
    };
    let places =
        ["/example", "/schema/default", "/schema/examples/0", "/schema/enum/0", "/schema/items/enum/0"];
    let example = places.iter().find_map(|place| described.pointer(place));
    let example = match example {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "x".to_owned(),
    };
    let required = described.get("required").and_then(Value::as_bool).unwrap_or(false);
    Some(Parameter { name: calls::text(described, "name"), in_path, required, example })
}

fn body(described: &Value, document: &Value) -> Option<Body> {
    let (media, content) = described.get("content")?.as_object()?.iter().next()?;
    let example = content.get("example").or_else(|| content.pointer("/examples/0/value"));
    let mut fields = BTreeSet::new();
    collect_fields(content.get("schema").unwrap_or(&Value::Null), document, &mut fields);
    Some(Body { media: media.clone(), example: example.cloned().unwrap_or_default(), fields })
}

fn collect_fields(schema: &Value, document: &Value, fields: &mut BTreeSet<String>) {
    let schema = resolve(schema, document);
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    fields.extend(properties.map(|(name, _)| name.clone()));
    for part in ["allOf", "oneOf", "anyOf"] {
        for part in schema.get(part).and_then(Value::as_array).into_iter().flatten() {
            collect_fields(part, document, fields);
        }
    }
}

/// What a reference names, or the value itself.
fn resolve<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let name = value.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    name.and_then(|name| document.pointer(name)).unwrap_or(value)
}

impl Operation {
    /// Its path and query, with this value for each name that the function knows, and the example for what else is required.
    pub fn at(&self, value: impl Fn(&str) -> Option<String>) -> String {
        let mut path = self.path.clone();
        let mut query = Vec::new();
        for parameter in &self.parameters {
            let known = value(&parameter.name);
            if parameter.in_path {
                let value = known.unwrap_or_else(|| parameter.example.clone());
                path = path.replace(&format!("{{{}}}", parameter.name), &escaped(&value));
            } else if let Some(value) =
                known.or_else(|| parameter.required.then(|| parameter.example.clone()))
            {
                query.push(format!("{}={}", parameter.name, escaped(&value)));
            }
        }
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// Whether it has a parameter of this name.
    pub fn takes(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name)
    }

    /// Whether it cannot do without a parameter of this name.
    pub fn needs(&self, name: &str) -> bool {
        self.parameters
            .iter()
            .any(|parameter| parameter.name == name && (parameter.in_path || parameter.required))
    }

    /// Whether its path names something.
    pub fn names_something(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.in_path)
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.method == Method::GET
    }
}

/// A value as it stands in a URL (RFC 3986 §2.3).
fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text + &char::from(byte).to_string()
        } else {
            format!("{text}%{byte:02X}")
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_is_read_with_what_it_takes() {
        let document = json!({"components": {"schemas": {"New": {"properties": {"name": {}}}}}});
        let described = json!({
            "operationId": "make", "x-key-level": "read_write",
            "parameters": [
                {"name": "id", "in": "path", "required": true, "example": "a b"},
                {"name": "page", "in": "query", "schema": {"default": 1}},
                {"name": "channel", "in": "query", "required": true, "schema": {"enum": ["web"]}},
                {"name": "If-Match", "in": "header"}
            ],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}, "example": {"name": "x"}}}},
            "responses": {"201": {}, "404": {}}
        });
        let operation = operation("/v1/things/{id}", "post", &described, &document).unwrap();
        assert_eq!(operation.level, Some(Level::ReadWrite));
        assert_eq!(operation.at(|_| None), "/v1/things/a%20b?channel=web");
        let value = |name: &str| (name == "page").then(|| "2".to_owned());
        assert_eq!(operation.at(value), "/v1/things/a%20b?page=2&channel=web");
        assert!(operation.body.unwrap().fields.contains("name"));
        assert_eq!(operation.statuses.into_iter().collect::<Vec<_>>(), [201, 404]);
    }

    #[test]
    fn an_operation_says_who_may_or_that_all_may() {
        let read = |extra: Value| {
            let mut described = json!({"responses": {}});
            described.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            operation("/x", "get", &described, &json!({})).map(|operation| operation.level)
        };
        assert_eq!(read(json!({"security": []})).unwrap(), None);
        assert!(read(json!({})).is_err());
        assert!(read(json!({"x-key-level": "god"})).is_err());
    }
}
