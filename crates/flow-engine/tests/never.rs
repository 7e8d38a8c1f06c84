//! No configuration, text or state makes a turn panic or run on, and the same input gives the same bytes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use flow_engine::{Cause, Ending, Graph, Input, State, Syntax, Turn, advance};
use flow_model::Channel;
use flow_model::workflow::Configuration;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Steps of one turn.
const STEPS_MAX: usize = 200;

const TEMPLATES: &[&str] = &[
    "plain",
    "{{ message.text }}",
    "{{ vars.a }}",
    "{{ vars.a.b.c }}",
    "{{ steps.n0.message_sent }}",
    "{{ vars }}",
    // Forty characters make 64,000 rounds: more than a rendering may take.
    "{% for a in message.text %}{% for b in message.text %}{% for c in message.text %}{{ a }}{% endfor %}{% endfor %}{% endfor %}",
    "{{ message.text * 3 }}",
    "{{ 1 / 0 }}",
    "{{ vars.a | upper }}",
    "{% for x in vars %}{{ x }}{{ vars[x] }}{% else %}none{% endfor %}",
    "{% if vars.a == message.text %}same{% elif vars.b %}{{ vars.b | title }}{% endif %}",
    "{{ (message.text ~ vars.a) | length }}",
];

const EXPRESSIONS: &[&str] = &[
    "true",
    "false",
    "message.text == vars.a",
    "size(message.text) > 2",
    "1 / 0 == 1",
    "vars.a > 3",
    "vars.a.b.c == 'x'",
    "message.text.matches('(a+)+$')",
    "message.text.contains('x') || has(vars.a)",
    "int(message.text) > 5",
    "9223372036854775807 + 1 > 0",
    "[1, 2, 3].exists(x, x > 2)",
    "'x' > 1",
    "customer.id.startsWith('c')",
];

fn template() -> impl Strategy<Value = &'static str> {
    prop::sample::select(TEMPLATES)
}

fn place() -> impl Strategy<Value = String> {
    (0_usize..8).prop_map(|n| format!("n{n}"))
}

fn field() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(&["text", "email", "phone", "number", "date", "boolean", "choice"][..]);
    (kinds, any::<bool>(), template()).prop_map(|(kind, required, label)| {
        let mut field = json!({"type": kind, "required": required, "label": label});
        if kind == "choice" {
            field["options"] = json!(["red", "green"]);
        }
        field
    })
}

fn node() -> impl Strategy<Value = Value> {
    prop_oneof![
        (template(), place()).prop_map(|(content, next)| json!({"type": "message", "content": content, "next": next})),
        (prop::collection::vec(field(), 1..3), place(), place(), 1_u32..4).prop_map(|(mut fields, next, invalid, attempts)| {
            for (field, name) in fields.iter_mut().zip(["a", "b"]) {
                field["name"] = json!(name);
            }
            json!({"type": "form", "fields": fields, "next": next, "on_invalid": invalid, "max_attempts": attempts})
        }),
        (prop::sample::select(EXPRESSIONS), place(), place()).prop_map(|(when, next, other)| {
            json!({"type": "condition", "branches": [{"when": when, "next": next}], "else": other})
        }),
        (template(), template(), place()).prop_map(|(one, other, next)| {
            json!({"type": "set", "values": {"a": one, "b": other}, "next": next})
        }),
        Just(json!({"type": "end"})),
        place().prop_map(|next| json!({"type": "delay", "duration": "5m", "next": next})),
    ]
}

/// A flow that validation lets through: one that it refuses is never run, and would test nothing here.
fn graph() -> impl Strategy<Value = Graph> {
    prop::collection::vec(node(), 1..8).prop_map(|mut nodes| {
        for (n, node) in nodes.iter_mut().enumerate() {
            node["id"] = json!(format!("n{n}"));
        }
        let document = json!({"trigger": {"type": "api"}, "nodes": nodes});
        let (configuration, _) = Configuration::parse(&document, Channel::Web, &Syntax).unwrap();
        Graph::compile(&configuration).unwrap()
    })
}

fn run(graph: &Graph, state: State, text: &str) -> Turn {
    let input = Input { text, message_id: "m", customer_id: "c", channel: "web", metadata: None };
    advance(graph, state, &input, Cause::Message, &|| 7)
}

fn check(turn: &Turn) -> Result<(), TestCaseError> {
    prop_assert!(turn.steps.len() <= STEPS_MAX);
    match &turn.ending {
        Ending::Finished => prop_assert_eq!(&turn.state, &State::fresh()),
        // Where it can be tried again, if it can.
        Ending::Failed { node_id, .. } => {
            prop_assert!(turn.state.waiting_node().is_none_or(|waits| waits == node_id));
        }
        _ => prop_assert!(turn.state.waiting_node().is_some()),
    }
    prop_assert_eq!(&State::decode(&turn.state.encode()).unwrap(), &turn.state);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_flow_and_no_text_makes_a_turn_panic_or_run_on(graph in graph(), texts in prop::collection::vec(".{0,40}", 1..6)) {
        let mut state = State::fresh();
        for text in texts {
            let turn = run(&graph, state.clone(), &text);
            check(&turn)?;
            let again = run(&graph, State::decode(&state.encode()).unwrap(), &text);
            prop_assert_eq!(turn.state.encode(), again.state.encode());
            prop_assert_eq!(&turn, &again);
            state = turn.state;
        }
    }

    #[test]
    fn a_state_of_another_flow_does_no_harm(one in graph(), other in graph(), texts in prop::collection::vec("[a-z0-9 ]{0,8}", 3)) {
        let turn = run(&one, State::fresh(), &texts[0]);
        check(&run(&other, turn.state, &texts[1]))?;
    }

    #[test]
    fn any_bytes_are_a_state_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(state) = State::decode(&bytes) {
            prop_assert_eq!(State::decode(&state.encode()).unwrap(), state);
        }
    }

    #[test]
    fn any_text_is_a_template_and_an_expression_or_refused(text in ".{0,200}") {
        use flow_model::validate::Syntax as _;
        // That it comes back at all is what is tested; which of the two it says is the libraries' business.
        let (template, expression) = (Syntax.template(&text), Syntax.expression(&text));
        prop_assert!(template.err().is_none_or(|why| !why.is_empty()));
        prop_assert!(expression.err().is_none_or(|why| !why.is_empty()));
    }
}
