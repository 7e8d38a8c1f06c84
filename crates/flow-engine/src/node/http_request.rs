//! An HTTP request to another system: planned here, made by others, and its answer taken in.

use serde_json::{Value, json};

use crate::advance::Walk;
use crate::graph::{HttpCall, Runnable};
use crate::node::Went;
use crate::secrets;
use crate::state::STATE_BYTES_MAX;
use crate::turn::{Call, CallKind, Failure, Object};

/// Plans the request.
pub(crate) fn plan(call: &HttpCall, walk: &Walk<'_>) -> Result<Call, Failure> {
    let scope = secrets::add(walk.scope().to_json(), &call.secrets);
    let render = |name: &str| walk.render_in(name, &scope);
    let mut headers = Object::new();
    for (name, template) in &call.headers {
        headers.insert(name.clone(), Value::String(render(template)?));
    }
    let body = call.body.as_ref().map(|body| body.render(&render)).transpose()?;
    let request = json!({
        "method": call.method,
        "url": render(&call.url)?,
        "headers": headers,
        "body": body,
        "timeout_ms": call.timeout_ms,
    });
    let Value::Object(request) = request else { return Err(Failure::of("INTERNAL_ERROR", "no object")) };
    Ok(Call { kind: CallKind::Http, request })
}

/// Takes the answer in.
pub(crate) fn finish(
    node: &Runnable,
    call: &HttpCall,
    result: Result<&Object, &Failure>,
    walk: &mut Walk<'_>,
) -> Result<(Object, Went), Failure> {
    let answer = match result {
        Ok(answer) => answer.clone(),
        Err(failure) => return fall_back(call, failure),
    };
    if let Some(name) = &call.save_as {
        let body = answer.get("body").cloned().unwrap_or_default();
        walk.state.vars.insert(name.clone(), body);
        if walk.state.encode().len() > STATE_BYTES_MAX {
            walk.state.vars.remove(name);
            let message = format!("variables with the answer would be larger than {STATE_BYTES_MAX} bytes");
            return fall_back(call, &Failure::of("STATE_TOO_LARGE", message));
        }
    }
    Ok((answer, Went::To(node.next)))
}

fn fall_back(call: &HttpCall, failure: &Failure) -> Result<(Object, Went), Failure> {
    let Some(place) = call.on_error else { return Err(failure.clone()) };
    let error = json!({"code": failure.code, "message": failure.message});
    Ok((Object::from_iter([("error".to_owned(), error)]), Went::To(Some(place))))
}
