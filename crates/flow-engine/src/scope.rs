//! What templates and expressions can see: `customer`, `message`, `vars`, `steps`.

use serde::Serialize;
use serde_json::Value;

use crate::state::State;
use crate::turn::{Input, Object};

/// Names at the top of the scope.
pub(crate) const NAMES: [&str; 4] = ["customer", "message", "vars", "steps"];

/// The scope, or a part of it. Nothing is copied until it is looked at.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Scope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vars: Option<&'a Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<&'a Object>,
}

/// Who has written.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Customer<'a> {
    pub id: &'a str,
}

/// What was written.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Message<'a> {
    pub id: &'a str,
    pub text: &'a str,
    pub channel: &'a str,
    pub metadata: Option<&'a Value>,
}

impl<'a> Scope<'a> {
    /// All of it.
    pub fn of(state: &'a State, input: &Input<'a>) -> Self {
        let Input { text, message_id, customer_id, channel, metadata } = *input;
        Self {
            customer: Some(Customer { id: customer_id }),
            message: Some(Message { id: message_id, text, channel, metadata }),
            vars: Some(&state.vars),
            steps: Some(&state.steps),
        }
    }

    /// The members that are named only.
    pub fn only(self, names: &[&str]) -> Self {
        Self {
            customer: self.customer.filter(|_| names.contains(&"customer")),
            message: self.message.filter(|_| names.contains(&"message")),
            vars: self.vars.filter(|_| names.contains(&"vars")),
            steps: self.steps.filter(|_| names.contains(&"steps")),
        }
    }

    /// As one JSON object.
    pub fn to_json(self) -> Value {
        // JSON values with text keys: writing them cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The names at the top that are among these variables.
pub(crate) fn names_in<'a>(variables: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let variables: Vec<&str> = variables.into_iter().map(|name| name.trim_start_matches('.')).collect();
    NAMES.into_iter().filter(|name| variables.contains(name)).collect()
}
