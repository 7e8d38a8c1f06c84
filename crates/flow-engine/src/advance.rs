//! One turn: from where the conversation stands until the flow ends, waits or fails.

use serde_json::Value;

use crate::graph::{Graph, Kind, Runnable};
use crate::node::{
    Went, ai_response, condition, delay, form, handoff, http_request, message, sentiment, set,
};
use crate::scope::Scope;
use crate::state::{Awaited, STATE_BYTES_MAX, State, Waiting};
use crate::turn::{Cause, Ending, Failure, Input, Object, Reply, Step, StepStatus, Turn};

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

impl Walk<'_> {
    /// Renders a template of the graph with what is known now.
    pub fn render(&self, template: &str) -> Result<String, Failure> {
        rendered(self.graph.templates.render(template, self.scope()))
    }

    /// The same in a scope of its own.
    pub fn render_in(&self, template: &str, scope: &Value) -> Result<String, Failure> {
        rendered(self.graph.templates.render_in(template, scope))
    }

    /// What templates and expressions can see now.
    pub fn scope(&self) -> Scope<'_> {
        Scope::of(&self.state, self.input)
    }

    /// Says something.
    pub fn say(&mut self, node: &Runnable, text: &str) {
        self.replies.push(Reply { node_id: node.id.clone(), text: text.to_owned() });
    }
}

/// Runs a turn, or goes on with one that waited for a call: until the flow ends, waits, calls or fails. `clock` gives Unix
/// milliseconds and is asked around each step.
///
/// A turn that calls gives a step that is [`StepStatus::Running`] as its last one; when the turn goes on, the same step is the
/// first one, over.
///
/// The state of a turn that failed is where it can be tried again, with [`Cause::Retry`]: at the node that failed, with what
/// was known before it ran. It is fresh when there is no such place, or too much was known.
#[must_use]
pub fn advance(
    graph: &Graph,
    state: State,
    input: &Input<'_>,
    cause: Cause<'_>,
    clock: &dyn Fn() -> i64,
) -> Turn {
    let mut walk = Walk { graph, input, state, replies: Vec::new() };
    let mut steps = Vec::new();
    let mut spent = std::mem::take(&mut walk.state.spent);
    let mut resumed = walk.state.waiting.take();
    let mut place = match &resumed {
        Some(waiting) => graph.place(&waiting.node_id),
        None => (!graph.nodes.is_empty()).then_some(0),
    };
    let ending = loop {
        let Some(node) = place.and_then(|place| graph.nodes.get(place)) else { break Ending::Finished };
        if spent.steps >= STEPS_MAX {
            let message = format!("the flow took {STEPS_MAX} steps without waiting or ending");
            break Ending::Failed {
                code: "STEP_LIMIT_EXCEEDED".to_owned(),
                message,
                node_id: node.id.clone(),
            };
        }
        spent.steps += 1;
        let started_at_ms = clock();
        let ran = match resumed.take() {
            None => begin(node, started_at_ms, &mut walk),
            Some(waiting) if waiting.on == Awaited::Retry => begin(node, started_at_ms, &mut walk),
            Some(waiting) => resume(node, waiting.on, cause, &mut walk),
        };
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
                spent.output_bytes += text_bytes(output.values());
                if spent.output_bytes > OUTPUT_BYTES_MAX {
                    record(StepStatus::Failed, Object::new());
                    let message = format!("the outputs of the turn are larger than {OUTPUT_BYTES_MAX} bytes");
                    let code = "OUTPUT_TOO_LARGE".to_owned();
                    break Ending::Failed { code, message, node_id: node.id.clone() };
                }
                if let Went::Calls(call) = went {
                    record(StepStatus::Running, output);
                    walk.state.waiting = Some(Waiting::at(&node.id, Awaited::Result));
                    walk.state.spent = spent;
                    break Ending::Calling(call);
                }
                walk.state.remember_output(&node.id, &output);
                record(StepStatus::Completed, output);
                match went {
                    Went::To(next) => place = next,
                    Went::Waits(waiting, ending) => {
                        walk.state.waiting = Some(waiting);
                        break ending;
                    }
                    Went::Calls(_) => {}
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
    match &ending {
        Ending::Finished => walk.state = State::fresh(),
        Ending::Failed { node_id, .. } => walk.state = walk.state.to_retry(node_id),
        Ending::WaitingForInput { .. }
        | Ending::WaitingForTimer { .. }
        | Ending::WaitingForAgent { .. }
        | Ending::Calling(_) => {}
    }
    Turn { state: walk.state, steps, replies: walk.replies, ending }
}

/// Runs a node that the flow has come to.
fn begin(node: &Runnable, now_ms: i64, walk: &mut Walk<'_>) -> Result<(Object, Went), Failure> {
    match &node.kind {
        Kind::Message { content } => message::run(node, content, walk),
        Kind::Form { form, labels, on_invalid, on_timeout } => {
            let (on_invalid, on_timeout) = (*on_invalid, *on_timeout);
            form::Asking { node, form, labels, on_invalid, on_timeout }.begin(walk)
        }
        Kind::Condition { branches, otherwise } => condition::run(branches, *otherwise, walk),
        Kind::Set { values } => set::run(node, values, walk),
        Kind::Delay { duration_ms } => Ok(delay::begin(node, *duration_ms, now_ms)),
        Kind::Sentiment(moods) => Ok(sentiment::run(moods, walk.input.text)),
        Kind::Asks(asks) => Ok((Object::new(), Went::Calls(ai_response::plan(asks, walk)?))),
        Kind::Http(call) => match http_request::plan(call, walk) {
            Ok(planned) => Ok((Object::new(), Went::Calls(planned))),
            Err(failure) => http_request::finish(node, call, Err(&failure), walk),
        },
        Kind::End => Ok((Object::new(), Went::To(None))),
        Kind::Handoff { team, note } => handoff::begin(node, team.as_deref(), note.as_deref(), walk),
    }
}

/// Goes on with a node that waited.
fn resume(
    node: &Runnable,
    on: Awaited,
    cause: Cause<'_>,
    walk: &mut Walk<'_>,
) -> Result<(Object, Went), Failure> {
    match (&node.kind, on, cause) {
        (Kind::Form { form, labels, on_invalid, on_timeout }, Awaited::Form(progress), _) => {
            let (on_invalid, on_timeout) = (*on_invalid, *on_timeout);
            let asking = form::Asking { node, form, labels, on_invalid, on_timeout };
            if cause == Cause::Timer { Ok(asking.give_up()) } else { asking.answer(progress, walk) }
        }
        (Kind::Delay { .. }, Awaited::Time(until_ms), Cause::Timer) => Ok(delay::over(node, until_ms)),
        (Kind::Handoff { team, .. }, Awaited::Agent, Cause::Released) => {
            Ok(handoff::over(node, team.as_deref()))
        }
        (Kind::Asks(asks), Awaited::Result, Cause::Result(result)) => {
            ai_response::finish(node, asks, result, walk)
        }
        (Kind::Http(call), Awaited::Result, Cause::Result(result)) => {
            http_request::finish(node, call, result, walk)
        }
        _ => {
            let message = format!("node '{}' does not wait for what came", node.id);
            Err(Failure::of("STATE_UNREADABLE", message))
        }
    }
}

fn rendered(text: Result<String, String>) -> Result<String, Failure> {
    text.map_err(|why| Failure::of("TEMPLATE_FAILED", why))
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
    let is_over = matches!(ending, Ending::Finished | Ending::Failed { .. });
    if is_over || state.encode().len() <= STATE_BYTES_MAX {
        return ending;
    }
    Ending::Failed {
        code: "STATE_TOO_LARGE".to_owned(),
        message: format!("variables and step outputs are larger than {STATE_BYTES_MAX} bytes"),
        node_id: steps.last().map(|step| step.node_id.clone()).unwrap_or_default(),
    }
}
