//! Turns of small flows: what is said, what is on record, where it waits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use flow_engine::{Cause, Ending, Graph, Input, State, Syntax, Turn, advance};
use flow_model::Channel;
use flow_model::workflow::Configuration;
use serde_json::{Value, json};

fn graph(nodes: &Value) -> Graph {
    let document = json!({"trigger": {"type": "message", "keywords": ["go"]}, "nodes": nodes});
    let (configuration, _) = Configuration::parse(&document, Channel::Web, &Syntax).unwrap();
    Graph::compile(&configuration).unwrap()
}

fn turn(graph: &Graph, state: State, text: &str) -> Turn {
    let metadata = json!({"tier": "gold"});
    let input =
        Input { text, message_id: "m-1", customer_id: "ann", channel: "web", metadata: Some(&metadata) };
    // Through its bytes each time, as between two turns of a stored conversation.
    let turn = advance(graph, state, &input, Cause::Message, &|| 1_000);
    Turn { state: State::decode(&turn.state.encode()).unwrap(), ..turn }
}

fn said(turn: &Turn) -> Vec<&str> {
    turn.replies.iter().map(|reply| reply.text.as_str()).collect()
}

/// A whole conversation: what is said in each turn.
fn talk(nodes: &Value, texts: &[&str]) -> (Vec<Vec<String>>, Turn) {
    let graph = graph(nodes);
    let mut state = State::fresh();
    let mut heard = Vec::new();
    let mut last = None;
    for text in texts {
        let turn = turn(&graph, state, text);
        heard.push(said(&turn).into_iter().map(str::to_owned).collect());
        state = turn.state.clone();
        last = Some(turn);
    }
    (heard, last.unwrap())
}

#[test]
fn messages_are_filled_in_and_said_in_order() {
    let (heard, last) = talk(
        &json!([
            {"id": "a", "type": "message", "content": "Hi {{ customer.id }}", "next": "b"},
            {"id": "b", "type": "message", "content": "You said {{ message.text }}; before: {{ steps.a.message_sent }}"}
        ]),
        &["go {{ 1 + 1 }}"],
    );
    assert_eq!(heard[0][1], "You said go {{ 1 + 1 }}; before: Hi ann");
    assert_eq!(last.ending, Ending::Finished);
    assert_eq!(last.state, State::fresh());
    assert_eq!(last.steps[0].output, *json!({"message_sent": heard[0][0]}).as_object().unwrap());
}

#[test]
fn a_form_asks_one_field_at_a_time_and_again_with_a_reason() {
    let (heard, last) = talk(
        &json!([
            {"id": "f", "type": "form", "fields": [
                {"name": "mail", "type": "email", "required": true, "label": "Mail?"},
                {"name": "size", "type": "choice", "required": true, "label": "Size?", "options": ["S", "L"]}
            ], "next": "end"},
            {"id": "end", "type": "message", "content": "{{ vars.mail }} {{ vars.size }}"}
        ]),
        &["go", "nobody", "ann@example.org", "XL", "l"],
    );
    assert_eq!(heard[0], ["Mail?"]);
    assert!(heard[1][0].contains("Mail?") && heard[1][0].len() > "Mail?".len(), "{:?}", heard[1]);
    assert_eq!(heard[2].len(), 1);
    assert!(heard[3][0].contains("Size?"));
    assert_eq!(heard[4], ["ann@example.org L"]);
    assert_eq!(last.steps[0].output["fields"], json!({"mail": "ann@example.org", "size": "L"}));
}

#[test]
fn a_form_that_is_answered_wrongly_too_often_goes_where_it_says() {
    let nodes = json!([
        {"id": "f", "type": "form", "max_attempts": 2, "on_invalid": "sorry", "next": "fine", "fields": [
            {"name": "age", "type": "number", "required": true, "label": "Age?"}
        ]},
        {"id": "fine", "type": "message", "content": "fine"},
        {"id": "sorry", "type": "message", "content": "sorry"}
    ]);
    let (heard, last) = talk(&nodes, &["go", "old", "very old"]);
    assert_eq!(heard[2], ["sorry"]);
    assert_eq!(last.ending, Ending::Finished);
}

#[test]
fn the_first_condition_that_holds_decides() {
    let nodes = json!([
        {"id": "c", "type": "condition", "branches": [
            {"when": "message.text.startsWith('a')", "next": "first"},
            {"when": "size(message.text) > 3", "next": "second"}
        ], "else": "third"},
        {"id": "first", "type": "message", "content": "first", "next": "end"},
        {"id": "second", "type": "message", "content": "second", "next": "end"},
        {"id": "third", "type": "message", "content": "third", "next": "end"},
        {"id": "end", "type": "end"}
    ]);
    for (text, expected, matched) in
        [("apple", "first", json!(0)), ("pear!", "second", json!(1)), ("fig", "third", json!("else"))]
    {
        let (heard, last) = talk(&nodes, &[text]);
        assert_eq!(heard[0], [expected]);
        assert_eq!(last.steps[0].output["matched"], matched);
    }
}

#[test]
fn set_values_see_those_before_them() {
    let nodes = json!([
        {"id": "s", "type": "set", "values": {"a": "x{{ message.text }}", "b": "{{ vars.a }}y"}, "next": "m"},
        {"id": "m", "type": "message", "content": "{{ vars.b }}"}
    ]);
    assert_eq!(talk(&nodes, &["1"]).0[0], ["x1y"]);
}

#[test]
fn a_next_that_leads_nowhere_ends_the_flow() {
    let (heard, last) =
        talk(&json!([{"id": "m", "type": "message", "content": "hi", "next": "gone"}]), &["go"]);
    assert_eq!((heard[0].len(), last.ending), (1, Ending::Finished));
}

fn failed(nodes: &Value) -> (String, String, Turn) {
    let (_, last) = talk(nodes, &["go"]);
    match last.ending.clone() {
        Ending::Failed { code, node_id, .. } => (code, node_id, last),
        _ => (String::new(), String::new(), last),
    }
}

#[test]
fn a_flow_that_goes_round_is_stopped() {
    let (code, node, last) = failed(&json!([
        {"id": "a", "type": "message", "content": "x", "next": "b"},
        {"id": "b", "type": "message", "content": "y", "next": "a"}
    ]));
    assert_eq!((code.as_str(), node.as_str(), last.steps.len()), ("STEP_LIMIT_EXCEEDED", "a", 200));
}

#[test]
fn a_turn_that_says_too_much_is_stopped() {
    let (code, _, last) = failed(&json!([
        {"id": "a", "type": "message", "content": "x".repeat(4000), "next": "a"}
    ]));
    assert_eq!(code, "OUTPUT_TOO_LARGE");
    assert!(last.steps.len() < 40, "{} steps", last.steps.len());
}

#[test]
fn variables_that_feed_themselves_are_stopped() {
    let (code, ..) = failed(&json!([
        {"id": "a", "type": "set", "values": {"v": "x"}, "next": "b"},
        {"id": "b", "type": "set", "values": {"v": "{{ vars.v }}{{ vars.v }}", "w": "{{ vars.v }}"}, "next": "b"}
    ]));
    assert!(["STATE_TOO_LARGE", "OUTPUT_TOO_LARGE", "TEMPLATE_FAILED"].contains(&code.as_str()), "{code}");
}

#[test]
fn a_handoff_waits_until_the_conversation_is_given_back() {
    let graph = graph(&json!([
        {"id": "m", "type": "message", "content": "one moment", "next": "h"},
        {"id": "h", "type": "handoff", "team": "sales", "note": "said {{ message.text }}", "next": "b"},
        {"id": "b", "type": "message", "content": "back from {{ steps.h.team }}"}
    ]));
    let handed = turn(&graph, State::fresh(), "help");
    let ending = Ending::WaitingForAgent { team: "sales".to_owned(), note: "said help".to_owned() };
    assert_eq!((said(&handed), &handed.ending), (vec!["one moment"], &ending));
    assert_eq!(handed.state.waiting_node(), Some("h"));
    assert_eq!(handed.steps.last().unwrap().output, *json!({"team": "sales"}).as_object().unwrap());
    let input = Input { text: "", message_id: "", customer_id: "ann", channel: "web", metadata: None };
    let back = advance(&graph, handed.state, &input, Cause::Released, &|| 1_000);
    assert_eq!((said(&back), &back.ending), (vec!["back from sales"], &Ending::Finished));
}

#[test]
fn a_turn_that_failed_is_tried_again_at_its_failed_node_with_what_was_known() {
    let graph = graph(&json!([
        {"id": "s", "type": "set", "values": {"name": "Ann"}, "next": "m"},
        {"id": "m", "type": "message", "content": "hello", "next": "c"},
        {"id": "c", "type": "condition", "branches": [{"when": "int(message.text) > 1", "next": "b"}], "else": "b"},
        {"id": "b", "type": "message", "content": "{{ vars.name }}"}
    ]));
    let failed = turn(&graph, State::fresh(), "go");
    assert!(matches!(&failed.ending, Ending::Failed { node_id, .. } if node_id == "c"));
    assert_eq!(failed.state.waiting_node(), Some("c"));
    let input = Input { text: "2", message_id: "", customer_id: "ann", channel: "web", metadata: None };
    let again = advance(&graph, failed.state, &input, Cause::Retry, &|| 1_000);
    let ran: Vec<&str> = again.steps.iter().map(|step| step.node_id.as_str()).collect();
    assert_eq!((ran, said(&again), &again.ending), (vec!["c", "b"], vec!["Ann"], &Ending::Finished));
}

#[test]
fn an_expression_that_goes_wrong_fails_its_step() {
    let (code, node, _) = failed(&json!([
        {"id": "c", "type": "condition", "branches": [{"when": "vars.nothing > 1", "next": "x"}], "else": "x"}
    ]));
    assert_eq!((code.is_empty(), node.as_str()), (false, "c"));
}

#[test]
fn a_state_of_another_version_is_refused() {
    assert!(State::decode(br#"{"format": 2}"#).is_err());
    assert!(State::decode(b"nonsense").is_err());
}
