//! Every rule of a configuration: what is refused, with which code, and where.
#![expect(clippy::needless_pass_by_value, reason = "json! makes values")]

use flow_model::Channel;
use flow_model::problem::{ProblemCode, WarningCode};
use flow_model::validate::{Syntax, WorkflowDraft, WorkflowPatch};
use flow_model::workflow::{Configuration, NodeKind, Trigger};
use serde_json::{Value, json};

const STRUCTURE: ProblemCode = ProblemCode::InvalidWorkflowConfig;
const VALUE: ProblemCode = ProblemCode::InvalidNodeConfig;
const UNKNOWN: ProblemCode = ProblemCode::InvalidRequest;

/// Refuses what has BAD in it: the real syntax is the engine's.
struct NoBad;

impl Syntax for NoBad {
    fn template(&self, source: &str) -> Result<(), String> {
        if source.contains("BAD") { Err("bad".to_owned()) } else { Ok(()) }
    }

    fn request_template(&self, source: &str) -> Result<(), String> {
        self.template(source)
    }

    fn expression(&self, source: &str) -> Result<(), String> {
        self.template(source)
    }
}

fn problems(configuration: &Value) -> Vec<(ProblemCode, String)> {
    match Configuration::parse(configuration, Channel::Web, &NoBad) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| (problem.code, problem.field)).collect(),
    }
}

fn with_nodes(nodes: Value) -> Value {
    json!({"trigger": {"type": "message", "keywords": ["go"]}, "nodes": nodes})
}

fn with_node(node: Value) -> Value {
    with_nodes(json!([node]))
}

fn with_trigger(trigger: Value) -> Value {
    json!({"trigger": trigger, "nodes": [{"id": "end", "type": "end"}]})
}

fn with_field(field: Value) -> Value {
    with_node(json!({"id": "f", "type": "form", "fields": [field]}))
}

/// Each row: a configuration, and its one problem below `configuration`.
fn check(rows: Vec<(Value, ProblemCode, &str)>) {
    for (configuration, code, place) in rows {
        let field =
            if place.is_empty() { "configuration".to_owned() } else { format!("configuration.{place}") };
        let shown: String = configuration.to_string().chars().take(200).collect();
        assert_eq!(problems(&configuration), [(code, field)], "{shown}");
    }
}

#[test]
fn the_structure_is_checked() {
    check(vec![
        (json!([]), STRUCTURE, ""),
        (json!("text"), STRUCTURE, ""),
        (json!({"trigger": {"type": "api"}}), STRUCTURE, "nodes"),
        (json!({"trigger": {"type": "api"}, "nodes": {}}), STRUCTURE, "nodes"),
        (json!({"trigger": {"type": "api"}, "nodes": []}), STRUCTURE, "nodes"),
        (json!({"nodes": [{"id": "e", "type": "end"}]}), STRUCTURE, "trigger"),
        (json!({"trigger": {"type": "api"}, "nodes": [{"id": "e", "type": "end"}], "x": 1}), UNKNOWN, "x"),
        (
            json!({"trigger": {"type": "api"}, "nodes": [{"id": "e", "type": "end"}], "wait_timeout": "soon"}),
            VALUE,
            "wait_timeout",
        ),
        (
            json!({"trigger": {"type": "api"}, "nodes": [{"id": "e", "type": "end"}], "wait_timeout": "9999h"}),
            VALUE,
            "wait_timeout",
        ),
        (
            json!({"trigger": {"type": "api"}, "nodes": [{"id": "e", "type": "end"}], "wait_timeout": 5}),
            STRUCTURE,
            "wait_timeout",
        ),
        (with_nodes(json!([{"id": "e", "type": "end"}, 7])), STRUCTURE, "nodes[1]"),
        (with_node(json!({"type": "end"})), STRUCTURE, "nodes[0].id"),
        (with_node(json!({"id": 7, "type": "end"})), STRUCTURE, "nodes[0].id"),
        (with_node(json!({"id": "no spaces", "type": "end"})), STRUCTURE, "nodes[0].id"),
        (with_node(json!({"id": "x".repeat(65), "type": "end"})), STRUCTURE, "nodes[0].id"),
        (
            with_nodes(json!([{"id": "e", "type": "end"}, {"id": "e", "type": "end"}])),
            STRUCTURE,
            "nodes[1].id",
        ),
        (with_node(json!({"id": "e"})), STRUCTURE, "nodes[0].type"),
        (with_node(json!({"id": "e", "type": "jump"})), STRUCTURE, "nodes[0].type"),
        (with_node(json!({"id": "e", "type": "end", "colour": 1})), UNKNOWN, "nodes[0].colour"),
        (with_node(json!({"id": "e", "type": "end", "next": "e"})), UNKNOWN, "nodes[0].next"),
    ]);
}

#[test]
fn triggers_are_checked() {
    let keywords: Vec<String> = (0..101).map(|n| format!("k{n}")).collect();
    check(vec![
        (with_trigger(json!("message")), STRUCTURE, "trigger"),
        (with_trigger(json!({})), STRUCTURE, "trigger.type"),
        (with_trigger(json!({"type": "smoke"})), STRUCTURE, "trigger.type"),
        (with_trigger(json!({"type": "message"})), STRUCTURE, "trigger.keywords"),
        (with_trigger(json!({"type": "message", "keywords": []})), STRUCTURE, "trigger.keywords"),
        (with_trigger(json!({"type": "message", "keywords": "go"})), STRUCTURE, "trigger.keywords"),
        (with_trigger(json!({"type": "message", "keywords": keywords})), STRUCTURE, "trigger.keywords"),
        (with_trigger(json!({"type": "message", "keywords": ["go", 7]})), STRUCTURE, "trigger.keywords[1]"),
        (
            with_trigger(json!({"type": "message", "keywords": ["x".repeat(101)]})),
            STRUCTURE,
            "trigger.keywords[0]",
        ),
        (with_trigger(json!({"type": "message", "keywords": ["?!"]})), VALUE, "trigger.keywords[0]"),
        (
            with_trigger(json!({"type": "message", "keywords": ["go"], "channels": []})),
            STRUCTURE,
            "trigger.channels",
        ),
        (
            with_trigger(json!({"type": "message", "keywords": ["go"], "channels": ["fax"]})),
            STRUCTURE,
            "trigger.channels[0]",
        ),
        (
            with_trigger(json!({"type": "message", "keywords": ["go"], "channels": ["web", "web"]})),
            STRUCTURE,
            "trigger.channels[1]",
        ),
        (with_trigger(json!({"type": "api", "keywords": ["go"]})), UNKNOWN, "trigger.keywords"),
    ]);
}

#[test]
fn nodes_are_checked() {
    let many: Vec<Value> = (0..501).map(|n| json!({"id": format!("n{n}"), "type": "end"})).collect();
    let set = |values: Value| with_node(json!({"id": "s", "type": "set", "values": values}));
    let condition =
        |branches: Value| with_node(json!({"id": "c", "type": "condition", "branches": branches}));
    let http = |more: Value| {
        let mut node =
            json!({"id": "h", "type": "http_request", "method": "GET", "url": "https://example.org"});
        node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with_node(node)
    };
    let ai = |more: Value| {
        let mut node = json!({"id": "a", "type": "ai_response", "knowledge_base": "kb"});
        node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with_node(node)
    };
    check(vec![
        (with_nodes(json!(many)), STRUCTURE, "nodes"),
        (with_node(json!({"id": "m", "type": "message"})), STRUCTURE, "nodes[0].content"),
        (with_node(json!({"id": "m", "type": "message", "content": 7})), STRUCTURE, "nodes[0].content"),
        (with_node(json!({"id": "m", "type": "message", "content": "BAD"})), VALUE, "nodes[0].content"),
        (
            with_node(json!({"id": "m", "type": "message", "content": "x".repeat(4097)})),
            STRUCTURE,
            "nodes[0].content",
        ),
        (
            with_node(json!({"id": "m", "type": "message", "content": "x", "next": 7})),
            STRUCTURE,
            "nodes[0].next",
        ),
        (set(json!([])), STRUCTURE, "nodes[0].values"),
        (set(json!({})), STRUCTURE, "nodes[0].values"),
        (set(json!({"1st": "x"})), VALUE, "nodes[0].values.1st"),
        (set(json!({"a": 7})), STRUCTURE, "nodes[0].values.a"),
        (set(json!({"a": "BAD"})), VALUE, "nodes[0].values.a"),
        (condition(json!([])), STRUCTURE, "nodes[0].branches"),
        (condition(json!([{"next": "x"}])), STRUCTURE, "nodes[0].branches[0].when"),
        (condition(json!([{"when": "BAD", "next": "x"}])), VALUE, "nodes[0].branches[0].when"),
        (condition(json!([{"when": "true", "next": "x", "y": 1}])), UNKNOWN, "nodes[0].branches[0].y"),
        (with_node(json!({"id": "d", "type": "delay"})), STRUCTURE, "nodes[0].duration"),
        (with_node(json!({"id": "d", "type": "delay", "duration": "later"})), VALUE, "nodes[0].duration"),
        (http(json!({"method": "BREW"})), VALUE, "nodes[0].method"),
        (http(json!({"url": "ftp://example.org"})), VALUE, "nodes[0].url"),
        (http(json!({"headers": {"two words": "x"}})), VALUE, "nodes[0].headers.two words"),
        (http(json!({"timeout_ms": 60000})), VALUE, "nodes[0].timeout_ms"),
        (http(json!({"save_as": "a-b"})), VALUE, "nodes[0].save_as"),
        (ai(json!({"knowledge_base": " "})), VALUE, "nodes[0].knowledge_base"),
        (ai(json!({"response_type": "poetic"})), VALUE, "nodes[0].response_type"),
        (ai(json!({"confidence_threshold": 1.5})), VALUE, "nodes[0].confidence_threshold"),
        (ai(json!({"context_length": -1})), VALUE, "nodes[0].context_length"),
        (with_node(json!({"id": "s", "type": "sentiment"})), STRUCTURE, "nodes[0].branches"),
        (
            with_node(json!({"id": "s", "type": "sentiment", "branches": {"joyful": "x"}})),
            UNKNOWN,
            "nodes[0].branches.joyful",
        ),
    ]);
}

#[test]
fn forms_are_checked() {
    let many: Vec<Value> =
        (0..51).map(|n| json!({"name": format!("f{n}"), "type": "text", "label": "?"})).collect();
    let twice =
        json!([{"name": "a", "type": "text", "label": "?"}, {"name": "a", "type": "text", "label": "?"}]);
    check(vec![
        (with_node(json!({"id": "f", "type": "form"})), STRUCTURE, "nodes[0].fields"),
        (with_node(json!({"id": "f", "type": "form", "fields": []})), STRUCTURE, "nodes[0].fields"),
        (with_node(json!({"id": "f", "type": "form", "fields": many})), STRUCTURE, "nodes[0].fields"),
        (
            with_node(json!({"id": "f", "type": "form", "fields": twice})),
            STRUCTURE,
            "nodes[0].fields[1].name",
        ),
        (with_field(json!({"type": "text", "label": "?"})), STRUCTURE, "nodes[0].fields[0].name"),
        (with_field(json!({"name": "a b", "type": "text", "label": "?"})), VALUE, "nodes[0].fields[0].name"),
        (with_field(json!({"name": "a", "label": "?"})), STRUCTURE, "nodes[0].fields[0].type"),
        (with_field(json!({"name": "a", "type": "colour", "label": "?"})), VALUE, "nodes[0].fields[0].type"),
        (with_field(json!({"name": "a", "type": "text"})), STRUCTURE, "nodes[0].fields[0].label"),
        (with_field(json!({"name": "a", "type": "text", "label": " "})), VALUE, "nodes[0].fields[0].label"),
        (with_field(json!({"name": "a", "type": "text", "label": "BAD"})), VALUE, "nodes[0].fields[0].label"),
        (
            with_field(json!({"name": "a", "type": "text", "label": "?", "required": "yes"})),
            STRUCTURE,
            "nodes[0].fields[0].required",
        ),
        (
            with_field(json!({"name": "a", "type": "choice", "label": "?"})),
            STRUCTURE,
            "nodes[0].fields[0].options",
        ),
        (
            with_field(json!({"name": "a", "type": "choice", "label": "?", "options": []})),
            STRUCTURE,
            "nodes[0].fields[0].options",
        ),
        (
            with_field(json!({"name": "a", "type": "choice", "label": "?", "options": ["x", "X"]})),
            VALUE,
            "nodes[0].fields[0].options[1]",
        ),
        (
            with_field(json!({"name": "a", "type": "text", "label": "?", "options": ["x"]})),
            UNKNOWN,
            "nodes[0].fields[0].options",
        ),
        (
            with_node(
                json!({"id": "f", "type": "form", "max_attempts": 0, "fields": [{"name": "a", "type": "text", "label": "?"}]}),
            ),
            VALUE,
            "nodes[0].max_attempts",
        ),
        (
            with_node(
                json!({"id": "f", "type": "form", "timeout": "x", "fields": [{"name": "a", "type": "text", "label": "?"}]}),
            ),
            VALUE,
            "nodes[0].timeout",
        ),
    ]);
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let ai = |length: Value| {
        with_node(json!({"id": "a", "type": "ai_response", "knowledge_base": "kb", "context_length": length}))
    };
    assert_eq!(problems(&ai(json!(10.0))), []);
    for length in [json!(10.5), json!(-1.0), json!(1e30), json!("10")] {
        assert_eq!(problems(&ai(length.clone())).len(), 1, "{length}");
    }
}

#[test]
fn a_configuration_has_a_largest_size() {
    let nodes: Vec<Value> = (0..100)
        .map(|n| json!({"id": format!("n{n}"), "type": "message", "content": "x".repeat(3000)}))
        .collect();
    assert_eq!(problems(&with_nodes(json!(nodes))), [(STRUCTURE, "configuration".to_owned())]);
}

#[test]
fn all_problems_are_told_in_the_order_of_the_document() {
    let body = json!({
        "name": "", "colour": "blue", "channel": "fax",
        "configuration": {
            "nodes": [{"id": "a", "type": "message"}, {"id": "a", "type": "form", "fields": []}],
            "trigger": {"type": "message", "keywords": []}
        }
    });
    let problems = WorkflowDraft::parse(&body, &NoBad).unwrap_err();
    let told: Vec<(ProblemCode, &str)> =
        problems.iter().map(|problem| (problem.code, problem.field.as_str())).collect();
    assert_eq!(
        told,
        [
            (ProblemCode::MissingRequiredField, "name"),
            (UNKNOWN, "colour"),
            (UNKNOWN, "channel"),
            (STRUCTURE, "configuration.nodes[0].content"),
            (STRUCTURE, "configuration.nodes[1].id"),
            (STRUCTURE, "configuration.nodes[1].fields"),
            (STRUCTURE, "configuration.trigger.keywords"),
        ]
    );
}

#[test]
fn the_examples_of_the_reference_are_taken_with_a_warning_each() {
    let support = json!({
        "trigger": {"type": "message", "keywords": ["help", "support", "question"]},
        "nodes": [
            {"id": "node-1", "type": "message", "content": "Hi! How can I help you today?", "next": "node-2"},
            {"id": "node-2", "type": "ai_response", "knowledge_base": "support-kb", "next": "node-3"}
        ]
    });
    let onboarding = json!({
        "name": "New Customer Onboarding",
        "description": "Welcome new customers and collect information",
        "channel": "whatsapp",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["start", "begin", "new"]},
            "nodes": [
                {"id": "welcome", "type": "message", "content": "Welcome! Let's get you started.", "next": "collect_info"},
                {"id": "collect_info", "type": "form", "fields": [
                    {"name": "name", "type": "text", "required": true, "label": "What's your name?"}
                ], "next": "confirmation"}
            ]
        }
    });
    let update = json!({
        "name": "Updated Customer Onboarding",
        "description": "Enhanced welcome flow for new customers",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["start", "begin", "new", "welcome"]},
            "nodes": [
                {"id": "welcome", "type": "message", "content": "Welcome to our platform! Let's get you started.", "next": "collect_info"}
            ]
        }
    });

    let (_, of_support) = Configuration::parse(&support, Channel::Whatsapp, &NoBad).unwrap();
    let (draft, of_onboarding) = WorkflowDraft::parse(&onboarding, &NoBad).unwrap();
    let (patch, of_update) = WorkflowPatch::parse(&update, Channel::Whatsapp, &NoBad).unwrap();

    let places: Vec<(WarningCode, &str)> = [&of_support, &of_onboarding, &of_update]
        .into_iter()
        .flatten()
        .map(|warning| (warning.code, warning.field.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (WarningCode::DanglingNext, "configuration.nodes[1].next"),
            (WarningCode::DanglingNext, "configuration.nodes[1].next"),
            (WarningCode::DanglingNext, "configuration.nodes[0].next"),
        ]
    );
    let Trigger::Message { keywords, channels } = draft.configuration.trigger else {
        unreachable!("a message trigger");
    };
    assert_eq!((keywords.len(), channels), (3, vec![Channel::Whatsapp]));
    assert!(
        matches!(draft.configuration.nodes.last().map(|node| &node.kind), Some(NodeKind::Form(form)) if form.fields.len() == 1)
    );
    assert_eq!(patch.name.as_deref(), Some("Updated Customer Onboarding"));
    assert_eq!(patch.channel, None);
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let (patch, _) = WorkflowPatch::parse(&json!({}), Channel::Web, &NoBad).unwrap();
    assert_eq!(patch, WorkflowPatch::default());
    let refused =
        WorkflowPatch::parse(&json!({"status": "active", "name": " "}), Channel::Web, &NoBad).unwrap_err();
    let told: Vec<&str> = refused.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(told, ["status", "name"]);
}

#[test]
fn null_counts_as_absent_also_where_the_field_has_no_meaning() {
    check_fine(vec![
        with_trigger(json!({"type": "api", "keywords": null, "channels": null})),
        with_field(json!({"name": "a", "type": "text", "required": true, "label": "A", "options": null})),
    ]);
    check(vec![
        (with_trigger(json!({"type": "api", "colours": null})), UNKNOWN, "trigger.colours"),
        (with_trigger(json!({"type": "api", "channels": ["web"]})), UNKNOWN, "trigger.channels"),
    ]);
}

fn check_fine(configurations: Vec<Value>) {
    for configuration in configurations {
        assert_eq!(problems(&configuration), [], "{configuration}");
    }
}
