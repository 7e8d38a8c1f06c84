//! Turns of small flows, and the state that is kept between them.
#![expect(clippy::expect_used, reason = "a bench that cannot be prepared ends")]

use flow_engine::{Cause, Graph, Input, State, Syntax, Turn, advance};
use flow_model::Channel;
use flow_model::workflow::Configuration;
use serde_json::{Value, json};

fn main() {
    micro::benches("flow-engine", |benches| {
        benches.add("greet_turn", || {
            let graph = graph(&greet());
            move || turn(&graph, State::fresh(), "hello there")
        });
        benches.add("form_turn", || {
            let graph = graph(&form());
            let waiting = turn(&graph, State::fresh(), "hello").state;
            move || turn(&graph, waiting.clone(), "Ann")
        });
        benches.add("keep_state", || {
            let state = turn(&graph(&form()), State::fresh(), "hello").state;
            move || State::decode(&state.encode())
        });
    });
}

fn turn(graph: &Graph, state: State, text: &str) -> Turn {
    let input =
        Input { text, message_id: "m-1", customer_id: "customer-4711", channel: "web", metadata: None };
    advance(graph, state, &input, Cause::Message, &|| 1_000)
}

fn graph(nodes: &Value) -> Graph {
    let document = json!({"trigger": {"type": "message", "keywords": ["hello"]}, "nodes": nodes});
    let (configuration, _) =
        Configuration::parse(&document, Channel::Web, &Syntax).expect("the document is valid");
    Graph::compile(&configuration).expect("a valid document is compiled")
}

/// What `turnloom bench` and its peers run: message, condition, message, end.
fn greet() -> Value {
    json!([
        {"id": "hi", "type": "message", "content": "Hi {{ customer.id }}", "next": "which"},
        {"id": "which", "type": "condition", "branches": [
            {"when": "message.text.contains('!')", "next": "loud"}
        ], "else": "calm"},
        {"id": "loud", "type": "message", "content": "No need to shout", "next": "end"},
        {"id": "calm", "type": "message", "content": "You said: {{ message.text }}", "next": "end"},
        {"id": "end", "type": "end"}
    ])
}

/// One answer is taken, and the next one asked for.
fn form() -> Value {
    json!([
        {"id": "ask", "type": "form", "fields": [
            {"name": "name", "type": "text", "required": true, "label": "What is your name?"},
            {"name": "age", "type": "number", "required": true, "label": "How old are you, {{ vars.name }}?"}
        ]}
    ])
}
