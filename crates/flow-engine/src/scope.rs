//! What templates and expressions can see: `customer`, `message`, `vars`, `steps`.

use serde_json::{Value, json};

use crate::state::State;
use crate::turn::Input;

/// Names at the top of the scope.
pub(crate) const NAMES: [&str; 4] = ["customer", "message", "vars", "steps"];

/// The scope as one JSON object.
pub(crate) fn of(state: &State, input: &Input<'_>) -> Value {
    json!({
        "customer": {"id": input.customer_id},
        "message": {
            "id": input.message_id,
            "text": input.text,
            "channel": input.channel,
            "metadata": input.metadata,
        },
        "vars": state.vars,
        "steps": state.steps,
    })
}
