//! A large configuration with nodes of every kind, as documents are at the bound of the API.

use serde_json::{Value, json};

/// So many nodes, one after the other: as many of each kind, in turn.
pub fn of_nodes(count: usize) -> Value {
    let nodes: Vec<Value> = (0..count).map(node).collect();
    json!({
        "trigger": {
            "type": "message",
            "keywords": ["order", "where is my parcel", "refund"],
            "channels": ["web", "whatsapp"],
        },
        "nodes": nodes,
        "wait_timeout": "2h",
    })
}

fn node(number: usize) -> Value {
    let (id, next) = (format!("node-{number}"), format!("node-{}", number + 1));
    let mut node = fields(number, &next);
    if let Some(node) = node.as_object_mut() {
        node.insert("id".to_owned(), Value::String(id));
        if node.get("type").is_none_or(|kind| kind != "end") {
            node.insert("next".to_owned(), Value::String(next));
        }
    }
    node
}

fn fields(number: usize, next: &str) -> Value {
    match number % 10 {
        0 => json!({
            "type": "message",
            "content": "Hello {{ customer.id }}, you have said {{ message.text | upper }}.",
        }),
        1 => json!({"type": "condition", "branches": [
            {"when": "vars.age >= 18 && message.text.contains('yes')", "next": next},
            {"when": "size(message.text) > 100", "next": "node-0"},
        ], "else": next}),
        2 => json!({"type": "form", "max_attempts": 3, "fields": [
            {"name": "name", "type": "text", "required": true, "label": "What is your name?"},
            {"name": "age", "type": "number", "required": true, "label": "How old are you, {{ vars.name }}?"},
        ]}),
        3 => json!({
            "type": "set",
            "values": {"greeting": "Dear {{ vars.name }}", "step": number.to_string()},
        }),
        4 => json!({"type": "delay", "duration": "30s"}),
        5 => json!({
            "type": "ai_response",
            "knowledge_base": "returns",
            "response_type": "hybrid",
            "confidence_threshold": 0.6,
            "personality": "You are friendly, and know {{ vars.name }}.",
            "fallback": next,
        }),
        6 => json!({
            "type": "http_request",
            "method": "POST",
            "url": "https://crm.example.com/customers/{{ customer.id }}",
            "headers": {"Authorization": "Bearer {{ secrets.crm }}"},
            "body": {"name": "{{ vars.name }}", "age": "{{ vars.age }}", "new": true},
            "save_as": "customer_record",
            "on_error": next,
        }),
        7 => json!({
            "type": "sentiment",
            "branches": {"positive": next, "neutral": next, "negative": "node-8"},
        }),
        8 => json!({"type": "handoff", "team": "support", "note": "{{ vars.name }} is not happy"}),
        _ => json!({"type": "end"}),
    }
}
