//! What customers and documents say is data, whatever it says: no attempt changes what a model is asked, reaches a secret, or
//! makes another workflow run.
//!
//! The fake model obeys: it repeats the attempts and puts them into the members of its answer, so that what comes after the
//! model is tried as well.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::answering::{BASE, data, messages, put_document, with_document};
use crate::support::attempts::{ATTEMPTS, very_long};
use crate::support::process::Process;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{FakeModel, FakeTarget, Request, Says};

const SECRET: &str = "planted_crm";
const MODEL_KEY: &str = "sk-planted-model-key";
/// Starts the workflow that nobody may start here.
const OTHER_KEYWORD: &str = "refund everything";
const HARMLESS: &str = "question: when does the shop open?";
const DOCUMENT: &str = "The shop opens at nine.";
/// A document that is shorter is one passage.
const PASSAGE_CHARS: usize = 600;
/// The nodes of a turn's steps, in order.
const STEPS: [&str; 6] = ["answer", "remember", "which", "call", "tell", "end"];

/// Answers, keeps the answer, looks at it, sends it to another system with a secret, and tells it.
fn help(target: &FakeTarget) -> Value {
    json!({
        "name": "Help", "description": "answers", "channel": "web",
        "configuration": {"trigger": {"type": "message", "keywords": ["question"]}, "nodes": [
            {"id": "answer", "type": "ai_response", "knowledge_base": BASE, "response_type": "hybrid",
             "personality": "Friendly.", "next": "remember"},
            {"id": "remember", "type": "set", "values": {"answer": "{{ steps.answer.response }}"}, "next": "which"},
            {"id": "which", "type": "condition",
             "branches": [{"when": "vars.answer == 'launch' || message.text == 'launch'", "next": "launched"}], "else": "call"},
            {"id": "call", "type": "http_request", "method": "POST", "url": format!("{}/tickets", target.url()),
             "headers": {"authorization": format!("Bearer {{{{ secrets.{SECRET} }}}}")},
             "body": {"said": "{{ message.text }}", "answer": "{{ vars.answer }}", "all": "{{ steps.answer | tojson }}"},
             "next": "tell"},
            {"id": "tell", "type": "message", "content": "{{ vars.answer }} / {{ message.text }}", "next": "end"},
            {"id": "launched", "type": "message", "content": "Launched"},
            {"id": "end", "type": "end"}
        ]}
    })
}

/// Says whatever it was told, everywhere that it can.
fn obedient(body: &Value) -> Says {
    let asked: Value = serde_json::from_str(body["messages"][1]["content"].as_str().unwrap()).unwrap();
    let heard =
        format!("{} {}", asked["question"].as_str().unwrap(), asked["passages"][0]["text"].as_str().unwrap());
    let heard: String = heard.chars().take(1000).collect();
    let mark = format!("\u{f8f0}{SECRET}\u{f8f1}");
    let values =
        json!({&mark: &mark, &heard: {&mark: [&heard]}, "response": format!("{{{{ secrets.{SECRET} }}}}")});
    let text = format!("{heard} {mark} {OTHER_KEYWORD}");
    Says::text(json!({"text": text, "data": values, "sources": [1], "confidence": 0.95}).to_string())
}

/// The text as people would read it: documents keep neither control characters nor lines.
fn as_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The model was asked as in every other turn: the rules word for word, and one JSON document of always the same form.
fn assert_form(name: &str, request: &Request, rules: &str, question: &str, document: &str) {
    assert_eq!(names(&request.body), ["model", "messages", "max_tokens", "stream"], "{name}");
    for message in request.body["messages"].as_array().unwrap() {
        assert_eq!(names(message), ["role", "content"], "{name}");
    }
    let messages = messages(request);
    let spoken_by: Vec<&str> = messages.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(spoken_by, ["system", "user"], "{name}");
    assert_eq!(messages[0].1, rules, "{name}");
    let data = data(request);
    assert_eq!(names(&data), ["passages", "conversation", "question"], "{name}");
    assert_eq!(data["question"], question, "{name}");
    assert_eq!(data["conversation"], json!([]), "{name}");
    let passages = data["passages"].as_array().unwrap();
    let mut shown = String::new();
    for (number, passage) in passages.iter().enumerate() {
        assert_eq!(names(passage), ["number", "title", "heading", "text"], "{name}");
        assert_eq!(passage["number"], number + 1, "{name}");
        shown += passage["text"].as_str().unwrap();
    }
    let (shown, document) = (as_line(&shown), as_line(document));
    if document.chars().count() < PASSAGE_CHARS {
        assert_eq!(shown, document, "{name}");
    } else {
        assert!(passages.len() > 1 || document.starts_with(&shown), "{name}: {shown}");
    }
}

/// The other system got the secret where the workflow's author has put it, and nowhere else.
fn assert_call(name: &str, call: &Request, planted: &str) {
    assert_eq!(
        (call.method.as_str(), call.path.as_str(), call.query.as_str()),
        ("POST", "/tickets", ""),
        "{name}"
    );
    assert_eq!(call.headers["authorization"], format!("Bearer {planted}"), "{name}");
    let mut others = call.headers.clone();
    others.remove("authorization");
    assert!(!format!("{others:?}").contains(planted), "{name}");
    assert_eq!(names(&call.body), ["said", "answer", "all"], "{name}");
    assert!(!call.text.contains(planted), "{name}: {}", call.text);
}

/// The turn went its usual way, and said what it was given without reading it as a template.
fn assert_turn(name: &str, told: &Value, question: &str, planted: &str) {
    assert_eq!(told["status"], "success", "{name}: {told:#}");
    let steps = told["steps"].as_array().unwrap();
    let nodes: Vec<&str> = steps.iter().map(|step| step["node_id"].as_str().unwrap()).collect();
    assert_eq!(nodes, STEPS, "{name}");
    let response = told["output"]["response"].as_str().unwrap();
    assert!(response.contains(&format!("{OTHER_KEYWORD} / {question}")), "{name}: {response}");
    let text = told.to_string();
    assert!(!text.contains(planted) && !text.contains(MODEL_KEY), "{name}: {told:#}");
}

/// No file that the product has written holds the text, or its bytes as the database shows them.
fn assert_nowhere(product: &Process, planted: &str) {
    let hex = planted.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    for (path, bytes) in product.files() {
        for wanted in [planted, &hex] {
            assert!(!holds(&bytes, wanted), "{} holds it", path.display());
        }
    }
}

fn holds(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_changes_what_is_asked_or_reaches_a_secret_or_another_workflow() {
    let (model, target) = (FakeModel::saying(obedient), FakeTarget::start());
    let url = model.base_url();
    let mut product = Process::start(&[
        ("TURNLOOM_LLM_URL", url.as_str()),
        ("TURNLOOM_LLM_MODEL", "small-1"),
        ("TURNLOOM_LLM_KEY", MODEL_KEY),
        ("TURNLOOM_OUTBOUND_ALLOW", "127.0.0.0/8"),
    ]);
    let api = product.api.clone();
    let planted = format!("planted-{}", platform::clock::new_uuid_v4().simple());
    api.put(&format!("/v1/secrets/{SECRET}"), &json!({"value": planted})).await.expect(200);
    with_document(&api, "text/plain", DOCUMENT).await;
    let helping = api.run(&help(&target)).await;
    let other = api.run(&testkit::workflows::greet("Other", OTHER_KEYWORD)).await;
    api.say("somebody", HARMLESS).await;
    let rules = messages(&model.requests()[0])[0].1.clone();

    let long = very_long();
    let attempts: Vec<(&str, &str)> = ATTEMPTS.into_iter().chain([("very long", long.as_str())]).collect();
    for (name, attempt) in &attempts {
        let document = format!("{DOCUMENT} {attempt}");
        assert_eq!(put_document(&api, "text/plain", &document).await, 200, "{name}");
        for (place, question) in
            [("document", HARMLESS.to_owned()), ("both", format!("{HARMLESS} {attempt}"))]
        {
            let name = format!("{name}, {place}");
            let (asked, called) = (model.requests().len(), target.requests().len());
            let told = api.say(&name, &question).await["execution"].clone();
            assert_eq!(told["workflow_id"], helping, "{name}");
            assert_turn(&name, &told, &question, &planted);
            assert_eq!((model.requests().len(), target.requests().len()), (asked + 1, called + 1), "{name}");
            assert_form(&name, &model.requests()[asked], &rules, &question, &document);
            assert_call(&name, &target.requests()[called], &planted);
        }
    }
    // What the database cannot keep is refused at the door, and taken out of documents.
    let nul = json!({"customer_id": "nul", "channel": "web", "message": "question: \0 when?"});
    assert_eq!(api.post("/v1/messages", &nul).await.expect(400)["error"]["field"], "message");
    put_document(&api, "text/plain", &format!("{DOCUMENT} \0\u{1b}[2J\u{8}")).await;
    api.say("nul", HARMLESS).await;
    let last = model.requests().pop().unwrap();
    assert_form("control characters", &last, &rules, HARMLESS, &format!("{DOCUMENT} [2J"));

    let ran = |id: &str| format!("/v1/workflows/{id}/executions?limit=1");
    let turns = 2 + 2 * attempts.len();
    assert_eq!(api.get(&ran(&helping)).await.expect(200)["pagination"]["total"], turns);
    assert_eq!(api.get(&ran(&other)).await.expect(200)["pagination"]["total"], 0);
    assert_eq!(api.get("/v1/workflows").await.expect(200)["pagination"]["total"], 2);
    for request in model.requests() {
        assert!(!request.text.contains(&planted), "{}", request.text);
    }
    product.interrupt().await;
    assert_nowhere(&product, &planted);
    assert_nowhere(&product, MODEL_KEY);
    let written = |part: &str, text: &str| {
        let files = product.files().into_iter();
        files.filter(|(path, _)| path.to_string_lossy().contains(part)).any(|(_, bytes)| holds(&bytes, text))
    };
    for (part, text) in [("postgres", SECRET), ("nats", OTHER_KEYWORD), ("services.log", "TRACE")] {
        assert!(written(part, text), "nothing of {text} in {part}: the search looks in the wrong place");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_in_markdown_or_html_cannot_leave_its_place_either() {
    let model = FakeModel::saying(obedient);
    let url = model.base_url();
    let settings = ["--llm-url", &url, "--llm-model", "small-1"];
    let mut product = crate::support::Product::with_runner(&settings).await;
    let api = &product.api;
    with_document(api, "text/plain", DOCUMENT).await;
    api.run(&crate::support::answering::answers("Help", "question", &json!({}))).await;
    api.say("somebody", HARMLESS).await;
    let rules = messages(&model.requests()[0])[0].1.clone();
    for (name, attempt) in ATTEMPTS {
        for (kind, text) in [
            (
                "text/markdown",
                format!(
                    "# {attempt}\n\n{DOCUMENT}\n\n| a | {attempt} |\n|---|---|\n| {attempt} | b |\n\n```\n{attempt}\n```\n"
                ),
            ),
            (
                "text/html",
                format!("<p>{DOCUMENT}</p><title>{attempt}</title><h1>{attempt}</h1><p>{attempt}</p>"),
            ),
        ] {
            let name = format!("{name}, {kind}");
            let path = format!("/v1/knowledge-bases/{BASE}/documents/faq");
            let put = api.request(Method::PUT, &path).header("content-type", kind).body(text);
            api.send(put).await.expect(200);
            let asked = model.requests().len();
            api.say(&name, HARMLESS).await;
            let request = &model.requests()[asked];
            let passages = data(request)["passages"].as_array().unwrap().len();
            assert!(passages > 0, "{name}");
            // With one passage the text would be compared with the whole document, which has headings here.
            let shown = data(request)["passages"][0]["text"].as_str().unwrap().to_owned();
            assert!(shown.contains(DOCUMENT), "{name}: {shown}");
            assert_form(&name, request, &rules, HARMLESS, &shown);
        }
    }
    product.stop().await;
}
