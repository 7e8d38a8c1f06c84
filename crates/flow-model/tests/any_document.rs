//! No document makes validation panic; what it lets through it lets through again.

use flow_model::Channel;
use flow_model::validate::{Unchecked, WorkflowDraft, WorkflowPatch};
use flow_model::workflow::Configuration;
use proptest::prelude::*;
use serde_json::{Value, json};

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::String),
        prop::sample::select(&["message", "form", "condition", "set", "web", "5m", "next", "api"][..])
            .prop_map(|text| json!(text)),
    ];
    let names = prop_oneof![
        prop::sample::select(
            &[
                "id",
                "type",
                "nodes",
                "trigger",
                "fields",
                "branches",
                "name",
                "configuration",
                "values",
                "keywords"
            ][..]
        )
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn good() -> Value {
    json!({
        "name": "Everything", "description": "of each kind", "channel": "web",
        "configuration": {
            "wait_timeout": "2h",
            "trigger": {"type": "message", "keywords": ["start"], "channels": ["web", "api"]},
            "nodes": [
                {"id": "m", "type": "message", "content": "hi", "next": "f"},
                {"id": "f", "type": "form", "max_attempts": 2, "on_invalid": "e", "next": "c", "fields": [
                    {"name": "a", "type": "text", "required": true, "label": "A?"},
                    {"name": "b", "type": "choice", "required": false, "label": "B?", "options": ["x", "y"]}
                ]},
                {"id": "c", "type": "condition", "branches": [{"when": "true", "next": "s"}], "else": "e"},
                {"id": "s", "type": "set", "values": {"v": "w"}, "next": "e"},
                {"id": "e", "type": "end"}
            ]
        }
    })
}

/// All places of a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_document_that_is_damaged_is_good() {
    assert_eq!(
        WorkflowDraft::parse(&good(), &Unchecked).map(|(draft, warnings)| (draft.name, warnings.len())),
        Ok(("Everything".to_owned(), 0))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_document_is_taken_or_refused_with_reasons(document in document()) {
        if let Err(problems) = WorkflowDraft::parse(&document, &Unchecked) {
            prop_assert!(!problems.is_empty());
        }
        if let Err(problems) = WorkflowPatch::parse(&document, Channel::Web, &Unchecked) {
            prop_assert!(!problems.is_empty());
        }
        if let Err(problems) = Configuration::parse(&document, Channel::Web, &Unchecked) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_good_document_with_one_thing_changed_is_taken_or_refused_with_a_place(change in document(), pick in any::<prop::sample::Index>()) {
        let mut document = good();
        let mut found = Vec::new();
        places(&document, "", &mut found);
        *document.pointer_mut(pick.get(&found[..]).as_str()).unwrap() = change;
        match WorkflowDraft::parse(&document, &Unchecked) {
            Ok((draft, _)) => {
                let again = Configuration::load(&draft.configuration_json, draft.channel);
                prop_assert_eq!(again, Ok(draft.configuration));
            }
            Err(problems) => {
                // A field may have the empty name.
                let placed = problems
                    .iter()
                    .all(|problem| !problem.field.is_empty() || problem.message == "Unknown field ''");
                prop_assert!(!problems.is_empty() && (placed || !document.is_object()), "{problems:?}");
            }
        }
    }
}
