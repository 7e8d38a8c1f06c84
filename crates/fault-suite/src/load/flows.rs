//! The workflows of the customers whose flows wait: what they do is what `script::waiting` says that customers hear.

use serde_json::{Value, json};

use super::script::Kind;

/// The knowledge base that the model answers from.
pub const KNOWLEDGE_BASE: &str = "support-kb";
/// What is in it.
pub const DOCUMENT: &str =
    "# Shop\n\n## Questions\n\nWhoever asks is answered. The shop is open from nine to six.\n";

/// The workflows for those who ask a model.
pub fn asking() -> (Kind, Value) {
    let nodes = json!([
        {"id": "answer", "type": "ai_response", "knowledge_base": KNOWLEDGE_BASE, "context_length": 4, "fallback": "sorry",
         "next": "end"},
        {"id": "end", "type": "end"},
        {"id": "sorry", "type": "message", "content": "Sorry: {{ steps.answer.error.code }}"}
    ]);
    (Kind::Ask, workflow("Ask", "ask", &nodes))
}

/// The workflows for all of them; `target` is the address of the system that is not ours.
pub fn waiting(target: &str) -> Vec<(Kind, Value)> {
    vec![ordering(target), asking(), reminding(target), quizzing()]
}

fn ordering(target: &str) -> (Kind, Value) {
    let nodes = json!([
        {"id": "wait", "type": "message", "content": "One moment", "next": "call"},
        call(target, "{{ message.text }}"),
        {"id": "say", "type": "message", "content": "It is: {{ vars.found.state }}", "next": "end"},
        {"id": "end", "type": "end"},
        sorry(),
    ]);
    (Kind::Order, workflow("Order", "order", &nodes))
}

fn reminding(target: &str) -> (Kind, Value) {
    let nodes = json!([
        {"id": "note", "type": "set", "values": {"what": "{{ message.text }}"}, "next": "will"},
        {"id": "will", "type": "message", "content": "I will", "next": "when"},
        {"id": "when", "type": "condition", "branches": [
            {"when": "message.text.contains('soon')", "next": "soon"},
            {"when": "message.text.contains('later')", "next": "later"}
        ], "else": "sometime"},
        {"id": "soon", "type": "delay", "duration": "1s", "next": "call"},
        {"id": "later", "type": "delay", "duration": "2s", "next": "call"},
        {"id": "sometime", "type": "delay", "duration": "3s", "next": "call"},
        call(target, "{{ vars.what }}"),
        {"id": "say", "type": "message", "content": "Now: {{ vars.found.state }}", "next": "end"},
        {"id": "end", "type": "end"},
        sorry(),
    ]);
    (Kind::Remind, workflow("Remind", "remind", &nodes))
}

fn quizzing() -> (Kind, Value) {
    let nodes = json!([
        {"id": "note", "type": "set", "values": {"what": "{{ message.text }}"}, "next": "form"},
        {"id": "form", "type": "form", "timeout": "2s", "on_timeout": "late", "next": "right", "fields": [
            {"name": "answer", "type": "text", "required": true, "label": "What is it, {{ vars.what }}?"}
        ]},
        {"id": "right", "type": "message", "content": "Right: {{ vars.answer }}", "next": "end"},
        {"id": "end", "type": "end"},
        {"id": "late", "type": "message", "content": "Too late: {{ vars.what }}"}
    ]);
    (Kind::Quiz, workflow("Quiz", "quiz", &nodes))
}

/// Asks the system that is not ours, which answers with the text.
fn call(target: &str, text: &str) -> Value {
    json!({
        "id": "call", "type": "http_request", "method": "POST",
        "url": format!("{target}/orders/{{{{ customer.id }}}}"),
        "body": {"text": text}, "save_as": "found", "on_error": "sorry", "next": "say"
    })
}

fn sorry() -> Value {
    json!({"id": "sorry", "type": "message", "content": "Sorry: {{ steps.call.error.code }}"})
}

fn workflow(name: &str, keyword: &str, nodes: &Value) -> Value {
    json!({
        "name": name, "description": "waits", "channel": "web",
        "configuration": {"trigger": {"type": "message", "keywords": [keyword]}, "nodes": nodes}
    })
}
