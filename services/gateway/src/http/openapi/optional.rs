//! A field of a body that may be left out may be null, too: that counts as absent.

use serde_json::{Map, Value, json};

/// What callers send, beside the nodes.
const BODIES: [&str; 18] = [
    "Assignment",
    "Branch",
    "Configuration",
    "Deactivation",
    "FormField",
    "KeyLimits",
    "KnowledgeSearch",
    "NewApiKey",
    "NewConversationMessage",
    "NewExecution",
    "NewKnowledgeBase",
    "NewMessage",
    "NewOAuthClient",
    "NewWorkflow",
    "Rotation",
    "SentimentBranches",
    "Trigger",
    "WorkflowChange",
];

/// Lets them be null.
pub(super) fn describe(components: &mut Map<String, Value>) {
    for (name, schema) in components {
        if BODIES.contains(&name.as_str()) || name.ends_with("Node") {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
            for (name, property) in properties.into_iter().flatten() {
                if !required.contains(&json!(name)) {
                    allow_null(property);
                }
            }
        }
    }
}

fn allow_null(property: &mut Value) {
    let Some(members) = property.as_object_mut() else { return };
    if let Some(reference) = members.remove("$ref") {
        members.insert("oneOf".to_owned(), json!([{"$ref": reference}, {"type": "null"}]));
    } else if let Some(kind) = members.get("type").filter(|kind| kind.is_string()) {
        let kind = json!([kind, "null"]);
        members.insert("type".to_owned(), kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_absent_may_be_null() {
        let mut components = Map::new();
        components.insert(
            "EndNode".to_owned(),
            json!({"required": ["id"], "properties": {
                "id": {"type": "string"},
                "next": {"type": "string", "pattern": "x"},
                "kind": {"$ref": "#/components/schemas/Kind", "description": "which"},
                "any": {},
            }}),
        );
        describe(&mut components);
        assert_eq!(
            components["EndNode"]["properties"],
            json!({
                "id": {"type": "string"},
                "next": {"type": ["string", "null"], "pattern": "x"},
                "kind": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}], "description": "which"},
                "any": {},
            })
        );
    }
}
