//! A handoff gives the conversation to a person and waits until they give it back.

use serde_json::Value;

use crate::advance::Walk;
use crate::graph::Runnable;
use crate::node::Went;
use crate::state::{Awaited, Waiting};
use crate::turn::{Ending, Failure, Object};

/// Hands over; `template` names what the person should know.
pub(crate) fn begin(
    node: &Runnable,
    team: Option<&str>,
    template: Option<&str>,
    walk: &Walk<'_>,
) -> Result<(Object, Went), Failure> {
    let said = template.map(|template| walk.render(template)).transpose()?.unwrap_or_default();
    let ending = Ending::WaitingForAgent { team: team.unwrap_or_default().to_owned(), note: said };
    Ok((output(team), Went::Waits(Waiting::at(&node.id, Awaited::Agent), ending)))
}

/// The conversation is back.
pub(crate) fn over(node: &Runnable, team: Option<&str>) -> (Object, Went) {
    (output(team), Went::To(node.next))
}

fn output(team: Option<&str>) -> Object {
    Object::from_iter([("team".to_owned(), team.map_or(Value::Null, Value::from))])
}
