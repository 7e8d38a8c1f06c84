//! Validation of documents with the engine's syntax, and what is compiled of them.
#![expect(clippy::expect_used, reason = "a bench that cannot be prepared ends")]

#[path = "../../flow-model/benches/document/mod.rs"]
mod document;

use flow_engine::{Graph, Syntax};
use flow_model::Channel;
use flow_model::limits::NODES_MAX;
use flow_model::validate::Syntax as _;
use flow_model::workflow::Configuration;

fn main() {
    micro::benches("flow-engine", |benches| {
        benches.add("validate_500_nodes", || {
            let document = document::of_nodes(NODES_MAX);
            Configuration::parse(&document, Channel::Web, &Syntax).expect("the document is valid");
            move || Configuration::parse(&document, Channel::Web, &Syntax)
        });
        benches.add("check_an_expression", || {
            || Syntax.expression("vars.age >= 18 && message.text.contains('yes')")
        });
        benches.add("check_a_template", || {
            || Syntax.template("Hello {{ customer.id }}, you have said {{ message.text | upper }}.")
        });
        benches.add("compile_500_nodes", || {
            let document = document::of_nodes(NODES_MAX);
            let configuration = Configuration::load(&document, Channel::Web).expect("the document is valid");
            move || Graph::compile(&configuration)
        });
    });
}
