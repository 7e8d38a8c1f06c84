//! The workflows that customers of the bench talk to.

use serde_json::{Value, json};

/// Replies of each turn of [`greet`].
pub const GREET_REPLIES: u64 = 2;
/// Replies of each turn of [`form`].
pub const FORM_REPLIES: u64 = 1;

/// The work that peers were measured with: keyword, message, condition, message, end.
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

/// Three turns: the keyword, a name, an age.
pub fn form(name: &str, keyword: &str) -> Value {
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
                ], "next": "check"},
                {"id": "check", "type": "condition", "branches": [
                    {"when": "vars.age >= 18", "next": "adult"}
                ], "else": "minor"},
                {"id": "adult", "type": "message", "content": "Dear {{ vars.name }}, welcome"},
                {"id": "minor", "type": "message", "content": "Dear {{ vars.name }}, come back later"}
            ]
        }
    })
}

/// Two turns: the keyword, and whatever is said next.
pub fn ask(name: &str, keyword: &str) -> Value {
    json!({
        "name": name,
        "description": "asks for anything",
        "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": [keyword]},
            "nodes": [
                {"id": "ask", "type": "form", "fields": [
                    {"name": "wish", "type": "text", "required": true, "label": "What can we do for you?"}
                ], "next": "thanks"},
                {"id": "thanks", "type": "message", "content": "We will look into {{ vars.wish }}"}
            ]
        }
    })
}

/// As [`greet`], and it fails when it is asked something.
pub fn fragile(name: &str, keyword: &str) -> Value {
    let mut workflow = greet(name, keyword);
    if let Some(branches) =
        workflow.pointer_mut("/configuration/nodes/1/branches").and_then(Value::as_array_mut)
    {
        branches.insert(0, json!({"when": "message.text.contains('?') && vars.answer > 0", "next": "loud"}));
    }
    workflow
}
