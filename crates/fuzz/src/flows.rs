//! Workflows as their authors write them, and the turns that they make.

use flow_engine::{Cause, Graph, Input, State, Syntax, advance};
use flow_model::Channel;
use flow_model::validate::Syntax as _;
use flow_model::workflow::Configuration;
use serde_json::{Value, json};

use crate::tried;

/// Turns that a flow is given, so that what waits is woken too.
const TURNS_MAX: usize = 4;

/// A configuration; one that is valid can be compiled, and runs.
pub(crate) fn configuration(bytes: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok((configuration, _)) = Configuration::parse(&document, Channel::Web, &Syntax) else { return };
    let graph = Graph::compile(&configuration);
    assert!(graph.is_ok(), "a valid configuration cannot be compiled: {:?}", graph.err());
    if let Ok(graph) = graph {
        play(&graph);
    }
}

/// A template, as the content of a message.
pub(crate) fn template(bytes: &[u8]) {
    let source = String::from_utf8_lossy(bytes);
    tried(Syntax.request_template(&source));
    tried(Syntax.template(&source));
    run_node(&json!({"id": "n", "type": "message", "content": source, "next": "e"}));
}

/// An expression, as the first branch of a condition.
pub(crate) fn expression(bytes: &[u8]) {
    let source = String::from_utf8_lossy(bytes);
    tried(Syntax.expression(&source));
    let branches = json!([{"when": source, "next": "e"}]);
    run_node(&json!({"id": "n", "type": "condition", "branches": branches, "else": "e"}));
}

/// The state of a conversation as it is kept. What is read can be written and read again.
pub(crate) fn state(bytes: &[u8]) {
    let Ok(state) = State::decode(bytes) else { return };
    let again = State::decode(&state.encode());
    assert!(again.is_ok(), "a state cannot be read again: {:?}", again.err());
    let nodes = json!([{"id": "n", "type": "message", "content": "{{ vars }} {{ steps }}", "next": "e"},
                       {"id": "e", "type": "end"}]);
    if let Some(graph) = compile(&nodes) {
        turn(&graph, state);
    }
}

/// A node, behind it one that ends.
fn run_node(node: &Value) {
    if let Some(graph) = compile(&json!([node, {"id": "e", "type": "end"}])) {
        play(&graph);
    }
}

fn compile(nodes: &Value) -> Option<Graph> {
    let document = json!({"trigger": {"type": "api"}, "nodes": nodes});
    let (configuration, _) = Configuration::parse(&document, Channel::Web, &Syntax).ok()?;
    Graph::compile(&configuration).ok()
}

fn play(graph: &Graph) {
    let mut state = State::fresh();
    for _ in 0..TURNS_MAX {
        state = turn(graph, state);
        if state.waiting_node().is_none() {
            return;
        }
    }
}

fn turn(graph: &Graph, state: State) -> State {
    let metadata = json!({"source": "{{ vars.a }}", "list": [1, 2.5, null, {"a": "b"}]});
    let input = Input {
        text: "Ann {{ vars.name }} {% for %} 42",
        message_id: "m-1",
        customer_id: "ann",
        channel: "web",
        metadata: Some(&metadata),
    };
    let turn = advance(graph, state, &input, Cause::Message, &|| 7);
    assert!(turn.steps.len() <= flow_engine::STEPS_MAX, "a turn of {} steps", turn.steps.len());
    turn.state
}
