//! An answer from a knowledge base: planned here, found by others, said when it is sure enough.

use serde_json::{Value, json};

use crate::advance::Walk;
use crate::graph::{Asks, Runnable};
use crate::node::Went;
use crate::turn::{Call, CallKind, Failure, Object};

/// Said when an answer is not sure enough and the node says nothing else.
const UNSURE: &str = "I am sorry, I do not know the answer to that.";

/// Plans the question.
pub(crate) fn plan(asks: &Asks, walk: &Walk<'_>) -> Result<Call, Failure> {
    let personality = asks.personality.as_ref().map(|name| walk.render(name)).transpose()?;
    let request = json!({
        "question": walk.input.text,
        "knowledge_base": asks.knowledge_base,
        "personality": personality,
        "response_type": asks.response_type,
        "context_length": asks.context_length,
    });
    let Value::Object(request) = request else { return Err(Failure::of("INTERNAL_ERROR", "no object")) };
    Ok(Call { kind: CallKind::Answer, request })
}

/// Says the answer, or takes the fallback.
pub(crate) fn finish(
    node: &Runnable,
    asks: &Asks,
    result: Result<&Object, &Failure>,
    walk: &mut Walk<'_>,
) -> Result<(Object, Went), Failure> {
    let mut output = match result {
        Ok(answer) => answer.clone(),
        Err(failure) if asks.fallback.is_none() && asks.fallback_message.is_none() => {
            return Err(failure.clone());
        }
        Err(failure) => {
            let error = json!({"code": failure.code, "message": failure.message});
            Object::from_iter([("error".to_owned(), error), ("confidence".to_owned(), Value::from(0.0))])
        }
    };
    let confidence = output.get("confidence").and_then(Value::as_f64).unwrap_or(0.0);
    let response = output.get("response").and_then(Value::as_str).unwrap_or_default().to_owned();
    if result.is_ok() && confidence >= asks.threshold && !response.is_empty() {
        walk.say(node, &response);
        return Ok((output, Went::To(node.next)));
    }
    output.insert("fallback".to_owned(), Value::from(true));
    if let Some(place) = asks.fallback {
        return Ok((output, Went::To(Some(place))));
    }
    let said = asks.fallback_message.as_ref().map(|name| walk.render(name)).transpose()?;
    walk.say(node, said.as_deref().unwrap_or(UNSURE));
    Ok((output, Went::To(node.next)))
}
