//! Requests to the API that must have an answer.

use fault_suite::failure::Failure;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use testkit::{Answer, Api};

/// Sends it.
///
/// # Errors
/// When the connection fails.
pub async fn send(api: &Api, request: RequestBuilder) -> Result<Answer, Failure> {
    let answer = api.try_send(request).await;
    answer.ok_or_else(|| Failure::broken(format!("the gateway at {} does not answer", api.base())))
}

/// `GET`.
///
/// # Errors
/// When the connection fails.
pub async fn get(api: &Api, path: &str) -> Result<Answer, Failure> {
    send(api, api.request(Method::GET, path)).await
}

/// A request with a body in JSON.
///
/// # Errors
/// When the connection fails.
pub async fn json(api: &Api, method: Method, path: &str, body: &Value) -> Result<Answer, Failure> {
    send(api, api.request(method, path).json(body)).await
}

/// A request that must be taken: its answer's `data`.
///
/// # Errors
/// When the connection fails, or it is refused.
pub async fn make(api: &Api, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
    let answer = json(api, method.clone(), path, body).await?;
    if !(200..300).contains(&answer.status) {
        return Err(Failure::broken(format!(
            "{method} {path} is answered with {}: {}",
            answer.status, answer.text
        )));
    }
    Ok(answer.body.get("data").cloned().unwrap_or_default())
}

/// Makes a workflow and activates it; gives its id.
///
/// # Errors
/// When it is refused.
pub async fn run(api: &Api, workflow: &Value) -> Result<String, Failure> {
    let id = text(&make(api, Method::POST, "/v1/workflows", workflow).await?, "id");
    make(api, Method::POST, &format!("/v1/workflows/{id}/activate"), &serde_json::json!({})).await?;
    Ok(id)
}

/// Says something as a customer over `web`, and waits for what became of it: the answer's `data`.
///
/// # Errors
/// When the connection fails, or it is refused.
pub async fn say(api: &Api, customer: &str, text: &str) -> Result<Value, Failure> {
    let body = serde_json::json!({"customer_id": customer, "channel": "web", "message": text});
    let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
    let answer = send(api, request).await?;
    if !matches!(answer.status, 200 | 202) {
        return Err(Failure::broken(format!(
            "a message is answered with {}: {}",
            answer.status, answer.text
        )));
    }
    Ok(answer.body.get("data").cloned().unwrap_or_default())
}

/// A member that is a text; empty when it is not there.
pub fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
