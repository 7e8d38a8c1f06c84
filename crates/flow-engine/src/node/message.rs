//! A message node says its text.

use serde_json::Value;

use crate::advance::Walk;
use crate::graph::Runnable;
use crate::node::Went;
use crate::turn::{Failure, Object};

pub(crate) fn run(node: &Runnable, content: &str, walk: &mut Walk<'_>) -> Result<(Object, Went), Failure> {
    let text = walk.render(content)?;
    walk.say(node, &text);
    let output = Object::from_iter([("message_sent".to_owned(), Value::String(text))]);
    Ok((output, Went::To(node.next)))
}
