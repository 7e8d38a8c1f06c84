//! From a document to a configuration, without the syntax of its templates and expressions.

mod document;

use flow_model::Channel;
use flow_model::limits::NODES_MAX;
use flow_model::workflow::Configuration;

fn main() {
    micro::benches("flow-model", |benches| {
        benches.add("load_500_nodes", || {
            let document = document::of_nodes(NODES_MAX);
            assert!(Configuration::load(&document, Channel::Web).is_ok());
            move || Configuration::load(&document, Channel::Web)
        });
        benches.add("load_10_nodes", || {
            let document = document::of_nodes(10);
            move || Configuration::load(&document, Channel::Web)
        });
    });
}
