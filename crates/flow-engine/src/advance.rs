//! One turn: from where the conversation stands until the flow ends, waits or fails.

use serde_json::Value;

use crate::graph::{Graph, Kind, Runnable};
use crate::node::{Went, condition, form, message, set};
use crate::scope;
use crate::state::{STATE_BYTES_MAX, State};
use crate::turn::{Ending, Input, Object, Reply, Step, StepStatus, Turn};

/// Steps of one turn. A flow that goes round without waiting fails here.
pub const STEPS_MAX: usize = 200;
/// Bytes of text in all step outputs of one turn, so that its record fits into one bus message, escaped or not.
pub const OUTPUT_BYTES_MAX: usize = 128 * 1024;

/// What a node can see and change.
pub(crate) struct Walk<'a> {
    pub graph: &'a Graph,
    pub input: &'a Input<'a>,
    pub state: State,
    pub replies: Vec<Reply>,
}

/// A step could not do what it should.
pub(crate) struct Failure {
    pub code: &'static str,
    pub message: String,
}

impl Walk<'_> {
    /// Renders a template of the graph with what is known now.
    pub fn render(&self, template: &str) -> Result<String, Failure> {
        self.graph
            .templates
            .render(template, &self.scope())
            .map_err(|message| Failure { code: "TEMPLATE_FAILED", message })
    }

    /// What templates and expressions can see now.
    pub fn scope(&self) -> Value {
        scope::of(&self.state, self.input)
    }

    /// Says something.
    pub fn say(&mut self, node: &Runnable, text: &str) {
        self.replies.push(Reply { node_id: node.id.clone(), text: text.to_owned() });
    }
}

/// Runs one turn. `clock` gives Unix milliseconds and is asked around each step.
#[must_use]
pub fn advance(graph: &Graph, state: State, input: &Input<'_>, clock: &dyn Fn() -> i64) -> Turn {
    let mut walk = Walk { graph, input, state, replies: Vec::new() };
    let mut steps = Vec::new();
    let mut output_bytes = 0;
    let mut resumed = walk.state.waiting.take();
    let mut place = match &resumed {
        Some(waiting) => graph.place(&waiting.node_id),
        None => (!graph.nodes.is_empty()).then_some(0),
    };
    let ending = loop {
        let Some(node) = place.and_then(|place| graph.nodes.get(place)) else { break Ending::Finished };
        if steps.len() >= STEPS_MAX {
            let message = format!("the flow took {STEPS_MAX} steps without waiting or ending");
            break Ending::Failed { code: "STEP_LIMIT_EXCEEDED", message, node_id: node.id.clone() };
        }
        let started_at_ms = clock();
        let ran = run(node, resumed.take().map(|waiting| waiting.form), &mut walk);
        let completed_at_ms = clock().max(started_at_ms);
        let mut record = |status, output| {
            steps.push(Step {
                node_id: node.id.clone(),
                node_type: node.type_name,
                status,
                started_at_ms,
                completed_at_ms,
                output,
            });
        };
        match ran {
            Ok((output, went)) => {
                output_bytes += text_bytes(output.values());
                if output_bytes > OUTPUT_BYTES_MAX {
                    record(StepStatus::Failed, Object::new());
                    let message = format!("the outputs of the turn are larger than {OUTPUT_BYTES_MAX} bytes");
                    break Ending::Failed { code: "OUTPUT_TOO_LARGE", message, node_id: node.id.clone() };
                }
                walk.state.remember_output(&node.id, &output);
                record(StepStatus::Completed, output);
                match went {
                    Went::To(next) => place = next,
                    Went::Waits(waiting) => {
                        walk.state.waiting = Some(waiting);
                        break Ending::WaitingForInput;
                    }
                }
            }
            Err(failure) => {
                record(StepStatus::Failed, Object::new());
                let Failure { code, message } = failure;
                break Ending::Failed { code, message, node_id: node.id.clone() };
            }
        }
    };
    let ending = bound_state(&walk.state, ending, &steps);
    if ending != Ending::WaitingForInput {
        walk.state = State::fresh();
    }
    Turn { state: walk.state, steps, replies: walk.replies, ending }
}

fn run(
    node: &Runnable,
    resumed: Option<crate::state::FormProgress>,
    walk: &mut Walk<'_>,
) -> Result<(Object, Went), Failure> {
    match &node.kind {
        Kind::Message { content } => message::run(node, content, walk),
        Kind::Form { form, labels, on_invalid } => {
            let asking = form::Asking { node, form, labels, on_invalid: *on_invalid };
            match resumed {
                Some(progress) => asking.answer(progress, walk),
                None => asking.begin(walk),
            }
        }
        Kind::Condition { branches, otherwise } => condition::run(branches, *otherwise, walk),
        Kind::Set { values } => set::run(node, values, walk),
        Kind::End => Ok((Object::new(), Went::To(None))),
        Kind::NotAvailable => {
            let message = format!("nodes of type {} cannot be run yet", node.type_name);
            Err(Failure { code: "NODE_NOT_AVAILABLE", message })
        }
    }
}

/// Bytes of the texts and names in these values; nodes nest them two deep at most, so this ends soon.
fn text_bytes<'a>(values: impl Iterator<Item = &'a Value>) -> usize {
    values
        .map(|value| match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
            Value::String(text) => text.len(),
            Value::Array(items) => text_bytes(items.iter()),
            Value::Object(map) => map.keys().map(String::len).sum::<usize>() + text_bytes(map.values()),
        })
        .sum()
}

/// A state that is to be kept must not grow without bound.
fn bound_state(state: &State, ending: Ending, steps: &[Step]) -> Ending {
    if ending != Ending::WaitingForInput || state.encode().len() <= STATE_BYTES_MAX {
        return ending;
    }
    Ending::Failed {
        code: "STATE_TOO_LARGE",
        message: format!("variables and step outputs are larger than {STATE_BYTES_MAX} bytes"),
        node_id: steps.last().map(|step| step.node_id.clone()).unwrap_or_default(),
    }
}
