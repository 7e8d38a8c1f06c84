//! Knowledge bases, workflows that answer from them, and what a fake model was asked and says.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, Request, Says};

/// The knowledge base that workflows here name.
pub const BASE: &str = "support-kb";
/// A shop's answers, in Markdown.
pub const FAQ: &str = "# Shop\n\n## Opening hours\n\nThe shop is open from nine to six on weekdays, and on Saturdays until noon.\n\n\
    ## Returns\n\nYou can return what you do not like within thirty days. We pay for the parcel.\n";

/// Makes the knowledge base with one document.
pub async fn with_document(api: &Api, content_type: &str, text: &str) {
    api.post("/v1/knowledge-bases", &json!({"name": BASE})).await.expect(201);
    assert_eq!(put_document(api, content_type, text).await, 201);
}

/// Puts this in the place of the document; the status.
pub async fn put_document(api: &Api, content_type: &str, text: &str) -> u16 {
    let path = format!("/v1/knowledge-bases/{BASE}/documents/faq");
    let put = api.request(Method::PUT, &path).header("content-type", content_type).body(text.to_owned());
    api.send(put).await.status
}

/// A workflow whose one node `answer` answers those who say `keyword`, with these members besides.
pub fn answers(name: &str, keyword: &str, more: &Value) -> Value {
    let mut node = json!({"id": "answer", "type": "ai_response", "knowledge_base": BASE});
    node.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({
        "name": name, "description": "answers", "channel": "web",
        "configuration": {"trigger": {"type": "message", "keywords": [keyword]}, "nodes": [node]}
    })
}

/// An answer in the form that models are asked for.
pub fn says(text: &str, sources: &[u64], confidence: f64) -> Says {
    Says::text(json!({"text": text, "sources": sources, "confidence": confidence}).to_string())
}

/// The texts of a request's messages with who says them.
pub fn messages(request: &Request) -> Vec<(String, String)> {
    let text = |message: &Value, name: &str| message.get(name).and_then(Value::as_str).unwrap().to_owned();
    let messages = request.body.get("messages").and_then(Value::as_array).unwrap();
    messages.iter().map(|message| (text(message, "role"), text(message, "content"))).collect()
}

/// The one JSON document that holds what strangers have written.
pub fn data(request: &Request) -> Value {
    let (role, content) = messages(request).pop().unwrap();
    assert_eq!(role, "user");
    serde_json::from_str(&content).unwrap()
}
