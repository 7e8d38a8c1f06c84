//! A set node fills variables, one after the other: a later one sees the earlier.

use serde_json::Value;

use crate::advance::Walk;
use crate::graph::Runnable;
use crate::node::Went;
use crate::state::STATE_BYTES_MAX;
use crate::turn::{Failure, Object};

pub(crate) fn run(
    node: &Runnable,
    values: &[(String, String)],
    walk: &mut Walk<'_>,
) -> Result<(Object, Went), Failure> {
    let mut set = Object::new();
    for (name, template) in values {
        let value = Value::String(walk.render(template)?);
        walk.state.vars.insert(name.clone(), value.clone());
        set.insert(name.clone(), value);
    }
    // Variables that feed themselves would double in each round of a loop.
    if walk.state.encode().len() > STATE_BYTES_MAX {
        let message = format!("variables and step outputs are larger than {STATE_BYTES_MAX} bytes");
        return Err(Failure::of("STATE_TOO_LARGE", message));
    }
    Ok((Object::from_iter([("values".to_owned(), Value::Object(set))]), Went::To(node.next)))
}
