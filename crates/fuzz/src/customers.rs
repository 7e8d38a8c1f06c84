//! What customers say: data for flows, searches, and questions to models.

use flow_engine::matcher::{Keyword, Matcher};
use flow_engine::{Cause, Graph, Input, State, Syntax, advance};
use flow_model::workflow::Configuration;
use flow_model::{Channel, WorkflowId};
use knowledge::{Language, question};
use serde_json::json;

use crate::tried;

/// A message: keywords are looked for, it answers a form's fields, a condition looks at it, and it is written into a template.
pub(crate) fn message(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let keywords = ["hello", "straße", "i̇stanbul", "a b"].map(|keyword| Keyword {
        text: keyword.to_owned(),
        workflow: WorkflowId::new(uuid::Uuid::from_bytes([7; 16])),
        activated_at_ms: 7,
    });
    tried(Matcher::build(keywords.into()).find(&text));
    tried(question::words(&text));
    tried(question::searchable(&text));
    tried(Language::detect(&text));
    if let Some(graph) = survey() {
        let mut state = State::fresh();
        for _ in 0..8 {
            let input =
                Input { text: &text, message_id: "m", customer_id: "c", channel: "web", metadata: None };
            let turn = advance(&graph, state, &input, Cause::Message, &|| 1_700_000_000_000);
            state = turn.state;
        }
    }
}

fn survey() -> Option<Graph> {
    let kinds = ["text", "email", "phone", "number", "date", "boolean", "choice"];
    let fields: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let mut field = json!({"name": kind, "type": kind, "required": false, "label": kind});
            if let (true, Some(members)) = (*kind == "choice", field.as_object_mut()) {
                members.insert("options".to_owned(), json!(["red", "green"]));
            }
            field
        })
        .collect();
    let nodes = json!([
        {"id": "which", "type": "condition", "branches": [
            {"when": "message.text.contains('a') && size(message.text) > 3", "next": "ask"}], "else": "ask"},
        {"id": "ask", "type": "form", "fields": fields, "max_attempts": 2, "next": "mood", "on_invalid": "mood"},
        {"id": "mood", "type": "sentiment", "branches": {"positive": "tell", "neutral": "tell", "negative": "tell"}},
        {"id": "tell", "type": "message", "content": "{{ message.text }} {{ vars | tojson }}", "next": "end"},
        {"id": "end", "type": "end"}
    ]);
    let document = json!({"trigger": {"type": "api"}, "nodes": nodes});
    let (configuration, _) = Configuration::parse(&document, Channel::Web, &Syntax).ok()?;
    Graph::compile(&configuration).ok()
}
