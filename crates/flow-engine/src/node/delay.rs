//! A delay waits for a time to come.

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use crate::graph::Runnable;
use crate::node::Went;
use crate::state::{Awaited, Waiting};
use crate::turn::{Ending, Object};

/// Begins to wait.
pub(crate) fn begin(node: &Runnable, duration_ms: i64, now_ms: i64) -> (Object, Went) {
    let until_ms = now_ms.saturating_add(duration_ms);
    let waiting = Waiting::at(&node.id, Awaited::Time(until_ms));
    (output(until_ms), Went::Waits(waiting, Ending::WaitingForTimer { until_ms }))
}

/// The time has come.
pub(crate) fn over(node: &Runnable, until_ms: i64) -> (Object, Went) {
    (output(until_ms), Went::To(node.next))
}

fn output(until_ms: i64) -> Object {
    let until = DateTime::from_timestamp_millis(until_ms).unwrap_or_default();
    let until = until.to_rfc3339_opts(SecondsFormat::Millis, true);
    Object::from_iter([("until".to_owned(), Value::String(until))])
}
