//! What a conversation carries from turn to turn inside a flow.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::turn::Object;

/// The format that this version writes.
const FORMAT: u32 = 2;
/// Bytes of an encoded state. A turn that needs more fails.
pub const STATE_BYTES_MAX: usize = 64 * 1024;

/// Variables, outputs of steps, and where the flow waits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    pub(crate) vars: Object,
    /// By node: the output of its last run.
    pub(crate) steps: Object,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) spent: Spent,
}

/// What a turn that waits for a call has used up of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub steps: usize,
    pub output_bytes: usize,
}

/// Where a flow waits, and for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub node_id: String,
    pub on: Awaited,
}

/// What a flow waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Awaited {
    /// An answer to a form.
    Form(FormProgress),
    /// A time, Unix milliseconds.
    Time(i64),
    /// The result of a call.
    Result,
    /// A person who gives the conversation back.
    Agent,
    /// Another try of a node that failed.
    Retry,
}

impl Waiting {
    /// At this node.
    pub fn at(node_id: &str, on: Awaited) -> Self {
        Self { node_id: node_id.to_owned(), on }
    }
}

/// How far a form has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FormProgress {
    /// The field that was asked for.
    pub field: usize,
    /// Answers to it that did not fit.
    pub attempts: u32,
    /// What was answered so far.
    pub values: Object,
}

/// The stored form, as it is written.
#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    vars: &'a Object,
    steps: &'a Object,
    waiting: &'a Option<Waiting>,
    spent: Spent,
}

/// The stored form, as it is read.
#[derive(Deserialize)]
struct Stored {
    vars: Object,
    steps: Object,
    waiting: Option<Waiting>,
    #[serde(default)]
    spent: Spent,
}

/// Stored bytes are not a state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Damaged.
    #[error("the conversation's state cannot be read")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the conversation's state has format {0}, which this version does not know")]
    UnknownFormat(u32),
}

impl State {
    /// At the start of a flow.
    #[must_use]
    pub fn fresh() -> Self {
        Self::default()
    }

    /// The node that waits for the customer, a time or a call.
    #[must_use]
    pub fn waiting_node(&self) -> Option<&str> {
        self.waiting.as_ref().map(|waiting| waiting.node_id.as_str())
    }

    /// Bytes to store; the same state always gives the same.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { vars, steps, waiting, spent } = self;
        let written = Written { format: FORMAT, vars, steps, waiting, spent: *spent };
        // JSON values with text keys: writing them cannot fail.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When they are damaged or of a newer format.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut document: Value = serde_json::from_slice(bytes)?;
        let format = document.get("format").and_then(Value::as_u64).unwrap_or(0);
        if format == 1 {
            upgrade_from_1(&mut document);
        } else if format != u64::from(FORMAT) {
            return Err(StateError::UnknownFormat(u32::try_from(format).unwrap_or(u32::MAX)));
        }
        let stored: Stored = serde_json::from_value(document)?;
        Ok(Self { vars: stored.vars, steps: stored.steps, waiting: stored.waiting, spent: stored.spent })
    }

    /// The same at a node that failed, to be run once more; fresh when it is too large to be kept.
    pub(crate) fn to_retry(&self, node_id: &str) -> Self {
        let waiting = Some(Waiting::at(node_id, Awaited::Retry));
        let state =
            Self { vars: self.vars.clone(), steps: self.steps.clone(), waiting, spent: Spent::default() };
        if state.encode().len() <= STATE_BYTES_MAX { state } else { Self::fresh() }
    }

    /// Variables by name.
    #[must_use]
    pub fn vars(&self) -> &Object {
        &self.vars
    }

    pub(crate) fn remember_output(&mut self, node_id: &str, output: &Map<String, Value>) {
        self.steps.insert(node_id.to_owned(), Value::Object(output.clone()));
    }
}

/// In format 1 a flow waited at forms only.
fn upgrade_from_1(document: &mut Value) {
    if let Some(waiting) = document.get_mut("waiting").and_then(Value::as_object_mut)
        && let Some(form) = waiting.remove("form")
    {
        waiting.insert("on".to_owned(), json!({"form": form}));
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_state_of_the_first_format_is_read() {
        let stored = br#"{"format":1,"vars":{"a":1},"steps":{},"waiting":{"node_id":"ask","form":{"field":1,"attempts":2,"values":{}}}}"#;
        let state = State::decode(stored).unwrap();
        let progress = FormProgress { field: 1, attempts: 2, values: Object::new() };
        assert_eq!(state.waiting, Some(Waiting::at("ask", Awaited::Form(progress))));
        assert_eq!(State::decode(&state.encode()).unwrap(), state);
    }
}
