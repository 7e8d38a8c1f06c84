//! A handoff gives the conversation to a person and waits until they give it back.

use serde_json::Value;

use crate::advance::Walk;
use crate::graph::Runnable;
use crate::node::Went;
use crate::state::{Awaited, Waiting};
use crate::turn::{Ending, Failure, Object};

/// Hands over.
pub(crate) fn begin(
    node: &Runnable,
    team: Option<&str>,
    note: Option<&str>,
    walk: &Walk<'_>,
) -> Result<(Object, Went), Failure> {
    let note = note.map(|note| walk.render(note)).transpose()?.unwrap_or_default();
    let ending = Ending::WaitingForAgent { team: team.unwrap_or_default().to_owned(), note };
    Ok((output(team), Went::Waits(Waiting::at(&node.id, Awaited::Agent), ending)))
}

/// The conversation is back.
pub(crate) fn over(node: &Runnable, team: Option<&str>) -> (Object, Went) {
    (output(team), Went::To(node.next))
}

fn output(team: Option<&str>) -> Object {
    Object::from_iter([("team".to_owned(), team.map_or(Value::Null, Value::from))])
}
