//! Comparing an answer with the page's example: the same names, of the same types, null where it is null.

use serde_json::Value;

/// Members that answers have beyond the page, by the path of the object that has them.
const OURS: &[(&str, &[&str])] = &[
    ("", &["warnings"]),
    ("pagination", &["next_cursor"]),
    ("data", &["conversation_id", "revision", "message_id", "as_of", "complete"]),
    ("data[]", &["conversation_id", "revision", "message_id"]),
    ("data.output", &["messages"]),
    ("data.steps[].output", &["sources"]),
    ("data.metrics", &["p50_duration_ms", "p95_duration_ms", "p99_duration_ms"]),
    ("error", &["request_id", "errors"]),
];

/// Fails unless `answer` looks like `page`.
pub fn assert_same(page: &Value, answer: &Value) {
    let mut differences = Vec::new();
    compare("", page, answer, &mut differences);
    assert!(differences.is_empty(), "{differences:#?} in {answer:#}");
}

fn compare(path: &str, page: &Value, answer: &Value, differences: &mut Vec<String>) {
    match (page, answer) {
        (Value::Object(page), Value::Object(answer)) => {
            for (name, value) in page {
                match answer.get(name) {
                    Some(found) => compare(&inside(path, name), value, found, differences),
                    None => differences.push(format!("{path}: no {name}")),
                }
            }
            let ours = OURS.iter().find(|(of, _)| *of == path).map_or(&[][..], |(_, names)| names);
            for name in
                answer.keys().filter(|name| !page.contains_key(*name) && !ours.contains(&name.as_str()))
            {
                differences.push(format!("{path}: {name} is not on the page"));
            }
        }
        (Value::Array(page), Value::Array(answer)) => {
            // The page shows some of what may be many.
            for (example, found) in page.iter().zip(answer) {
                compare(&format!("{path}[]"), example, found, differences);
            }
            if answer.len() < page.len() {
                differences.push(format!("{path}: {} items", answer.len()));
            }
        }
        _ if kind(page) == kind(answer) => {}
        _ => differences.push(format!("{path}: {answer}, and the page has {page}")),
    }
}

fn inside(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A value's type; texts are told apart by what they are.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(text) if is_time(text) => "time",
        Value::String(text) if text.starts_with("workflow-") => "workflow",
        Value::String(text) if text.starts_with("execution-") => "execution",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// RFC 3339 in UTC.
fn is_time(text: &str) -> bool {
    text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}
