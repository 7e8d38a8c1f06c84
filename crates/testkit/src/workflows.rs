//! Workflows that tests run.

use serde_json::{Value, json};

/// Greets whoever says `keyword`: one message, a condition, another message.
pub fn greet(name: &str, keyword: &str) -> Value {
    json!({
        "name": name,
        "description": "greets",
        "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": [keyword]},
            "nodes": [
                {"id": "hi", "type": "message", "content": "Hi {{ customer.id }}", "next": "which"},
                {"id": "which", "type": "condition", "branches": [
                    {"when": "message.text.contains('!')", "next": "loud"}
                ], "else": "calm"},
                {"id": "loud", "type": "message", "content": "No need to shout", "next": "end"},
                {"id": "calm", "type": "message", "content": "You said: {{ message.text }}", "next": "end"},
                {"id": "end", "type": "end"}
            ]
        }
    })
}

/// Asks for a name and an age, and tells by the age.
pub fn survey(name: &str, keyword: &str) -> Value {
    json!({
        "name": name,
        "description": "asks",
        "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": [keyword]},
            "nodes": [
                {"id": "ask", "type": "form", "fields": [
                    {"name": "name", "type": "text", "required": true, "label": "What is your name?"},
                    {"name": "age", "type": "number", "required": true, "label": "How old are you, {{ vars.name }}?"}
                ], "next": "remember"},
                {"id": "remember", "type": "set", "values": {"greeting": "Dear {{ vars.name }}"}, "next": "check"},
                {"id": "check", "type": "condition", "branches": [
                    {"when": "vars.age >= 18", "next": "adult"}
                ], "else": "minor"},
                {"id": "adult", "type": "message", "content": "{{ vars.greeting }}, welcome"},
                {"id": "minor", "type": "message", "content": "{{ vars.greeting }}, come back later"}
            ]
        }
    })
}
