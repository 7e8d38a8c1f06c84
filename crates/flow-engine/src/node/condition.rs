//! A condition goes on at the first branch that holds.

use serde_json::Value;

use crate::advance::Walk;
use crate::expression::Expression;
use crate::node::Went;
use crate::turn::{Failure, Object};

pub(crate) fn run(
    branches: &[(Expression, Option<usize>)],
    otherwise: Option<usize>,
    walk: &Walk<'_>,
) -> Result<(Object, Went), Failure> {
    let scope = walk.scope();
    for (number, (when, next)) in branches.iter().enumerate() {
        let holds = when
            .holds(scope)
            .map_err(|why| Failure::of("EXPRESSION_FAILED", format!("branch {number}: {why}")))?;
        if holds {
            return Ok((matched(Value::from(number)), Went::To(*next)));
        }
    }
    Ok((matched(Value::from("else")), Went::To(otherwise)))
}

fn matched(branch: Value) -> Object {
    Object::from_iter([("matched".to_owned(), branch)])
}
