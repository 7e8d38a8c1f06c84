//! Every bad input gets its status, its code and the field that is to blame.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, workflows};

/// What a request must be answered with; an empty field is none.
type Expected = (u16, &'static str, &'static str);

struct Table<'a> {
    api: &'a Api,
    rows: usize,
    wrong: Vec<String>,
}

impl Table<'_> {
    fn note(&mut self, what: &str, answer: &Answer, expected: Expected) {
        self.rows += 1;
        let error = &answer.body["error"];
        let got = (
            answer.status,
            error["code"].as_str().unwrap_or_default(),
            error["field"].as_str().unwrap_or_default(),
        );
        let whole = error["message"].is_string()
            && error["details"].is_string()
            && error["request_id"] == answer.header("x-request-id");
        if got != expected || !whole {
            self.wrong
                .push(format!("{what}\n    expected {expected:?}\n    got      {got:?} {}", answer.body));
        }
    }

    async fn json(&mut self, method: Method, path: &str, body: Value, expected: Expected) {
        let request = self.api.request(method.clone(), path).json(&body);
        let answer = self.api.send(request).await;
        let shown: String = body.to_string().chars().take(120).collect();
        self.note(&format!("{method} {path} {shown}"), &answer, expected);
    }

    async fn get(&mut self, path: &str, expected: Expected) {
        let answer = self.api.get(path).await;
        self.note(&format!("GET {path}"), &answer, expected);
    }

    async fn raw(&mut self, path: &str, content_type: &str, body: &[u8], expected: Expected) {
        let mut request = self.api.request(Method::POST, path).body(body.to_vec());
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let answer = self.api.send(request).await;
        self.note(
            &format!("POST {path} as {content_type}: {:.60}", String::from_utf8_lossy(body)),
            &answer,
            expected,
        );
    }
}

/// A good workflow with one thing changed.
fn workflow(pointer: &str, value: Value) -> Value {
    let mut workflow = workflows::survey("A survey", "start");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = workflow.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ if value == json!("<absent>") => {
            parent.as_object_mut().unwrap().remove(name);
        }
        _ => parent[name] = value,
    }
    workflow
}

#[expect(clippy::needless_pass_by_value, reason = "json! makes values")]
fn with_node(node: Value) -> Value {
    workflow("/configuration/nodes", json!([node]))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_input_gets_its_status_code_and_field() {
    let mut product = Product::start().await;
    let api = product.api.clone();
    let good = api.run(&workflows::greet("Taken", "hello")).await;
    let mut table = Table { api: &api, rows: 0, wrong: Vec::new() };
    bad_workflows(&mut table).await;
    bad_nodes(&mut table).await;
    bad_messages(&mut table, &good).await;
    bad_starts(&mut table, &good).await;
    bad_queries(&mut table, &good).await;
    bad_http(&mut table, &good).await;
    assert!(table.rows >= 60, "{} rows", table.rows);
    assert!(
        table.wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        table.wrong.len(),
        table.rows,
        table.wrong.join("\n")
    );
    // Nothing of all this has left a trace.
    assert_eq!(api.get("/v1/workflows").await.expect(200)["pagination"]["total"], 1);
    product.stop().await;
}

async fn bad_workflows(table: &mut Table<'_>) {
    let rows: Vec<(Value, Expected)> = vec![
        (json!([]), (400, "INVALID_REQUEST", "")),
        (json!("text"), (400, "INVALID_REQUEST", "")),
        (json!({}), (400, "MISSING_REQUIRED_FIELD", "name")),
        (workflow("/name", json!("<absent>")), (400, "MISSING_REQUIRED_FIELD", "name")),
        (workflow("/name", json!("  ")), (400, "MISSING_REQUIRED_FIELD", "name")),
        (workflow("/name", json!(7)), (400, "INVALID_REQUEST", "name")),
        (workflow("/name", json!("x".repeat(121))), (400, "INVALID_REQUEST", "name")),
        (workflow("/name", json!(" taken ")), (409, "WORKFLOW_ALREADY_EXISTS", "name")),
        (workflow("/description", json!("x".repeat(2001))), (400, "INVALID_REQUEST", "description")),
        (workflow("/channel", json!("<absent>")), (400, "MISSING_REQUIRED_FIELD", "channel")),
        (workflow("/channel", json!("fax")), (400, "INVALID_REQUEST", "channel")),
        (workflow("/colour", json!("blue")), (400, "INVALID_REQUEST", "colour")),
        (workflow("/configuration", json!("<absent>")), (400, "MISSING_REQUIRED_FIELD", "configuration")),
        (workflow("/configuration", json!([])), (400, "INVALID_WORKFLOW_CONFIG", "configuration")),
        (
            workflow("/configuration/nodes", json!("<absent>")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.nodes"),
        ),
        (
            workflow("/configuration/nodes", json!([])),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.nodes"),
        ),
        (
            workflow("/configuration/trigger", json!("<absent>")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.trigger"),
        ),
        (
            workflow("/configuration/trigger/type", json!("smoke")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.trigger.type"),
        ),
        (
            workflow("/configuration/trigger/keywords", json!([])),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.trigger.keywords"),
        ),
        (
            workflow("/configuration/trigger/extra", json!(1)),
            (400, "INVALID_REQUEST", "configuration.trigger.extra"),
        ),
        (
            workflow("/configuration/nodes/0/id", json!("<absent>")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.nodes[0].id"),
        ),
        (
            workflow("/configuration/nodes/1/id", json!("ask")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.nodes[1].id"),
        ),
        (
            workflow("/configuration/nodes/0/type", json!("teleport")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.nodes[0].type"),
        ),
        (
            workflow("/configuration/nodes/3/content", json!("<absent>")),
            (400, "INVALID_WORKFLOW_CONFIG", "configuration.nodes[3].content"),
        ),
        (
            workflow("/configuration/nodes/3/colour", json!(1)),
            (400, "INVALID_REQUEST", "configuration.nodes[3].colour"),
        ),
    ];
    for (body, expected) in rows {
        table.json(Method::POST, "/v1/workflows", body, expected).await;
    }
}

async fn bad_nodes(table: &mut Table<'_>) {
    let form = |field: Value| with_node(json!({"id": "f", "type": "form", "fields": [field]}));
    let at = "configuration.nodes[0]";
    let rows: Vec<(Value, u16, &'static str, String)> = vec![
        (
            with_node(json!({"id": "m", "type": "message", "content": "{{ unclosed"})),
            422,
            "INVALID_NODE_CONFIG",
            format!("{at}.content"),
        ),
        (
            with_node(
                json!({"id": "c", "type": "condition", "branches": [{"when": "1 +", "next": "x"}], "else": "x"}),
            ),
            422,
            "INVALID_NODE_CONFIG",
            format!("{at}.branches[0].when"),
        ),
        (
            form(json!({"name": "a", "type": "telepathy", "required": true, "label": "A"})),
            422,
            "INVALID_NODE_CONFIG",
            format!("{at}.fields[0].type"),
        ),
        (
            form(json!({"name": "a", "type": "text", "required": true})),
            400,
            "INVALID_WORKFLOW_CONFIG",
            format!("{at}.fields[0].label"),
        ),
        (
            with_node(json!({"id": "d", "type": "delay", "duration": "soon"})),
            422,
            "INVALID_NODE_CONFIG",
            format!("{at}.duration"),
        ),
        (
            with_node(json!({"id": "h", "type": "http_request", "method": "GET", "url": "not a url"})),
            422,
            "INVALID_NODE_CONFIG",
            format!("{at}.url"),
        ),
    ];
    for (body, status, code, field) in rows {
        // The table lives as long as the test.
        table.json(Method::POST, "/v1/workflows", body, (status, code, field.leak())).await;
    }
}

fn message(name: &str, value: Value) -> Value {
    let mut message = json!({"customer_id": "ann", "channel": "web", "message": "hello"});
    if value == json!("<absent>") {
        message.as_object_mut().unwrap().remove(name);
    } else {
        message[name] = value;
    }
    message
}

async fn bad_messages(table: &mut Table<'_>, good: &str) {
    let rows: Vec<(Value, Expected)> = vec![
        (message("customer_id", json!("<absent>")), (400, "MISSING_REQUIRED_FIELD", "customer_id")),
        (message("customer_id", json!(" ")), (400, "MISSING_REQUIRED_FIELD", "customer_id")),
        (message("customer_id", json!(7)), (400, "INVALID_REQUEST", "customer_id")),
        (message("customer_id", json!("x".repeat(129))), (400, "INVALID_REQUEST", "customer_id")),
        (message("customer_id", json!("a\u{0}b")), (400, "INVALID_REQUEST", "customer_id")),
        (message("channel", json!("<absent>")), (400, "MISSING_REQUIRED_FIELD", "channel")),
        (message("channel", json!("fax")), (400, "INVALID_REQUEST", "channel")),
        (message("message", json!("<absent>")), (400, "MISSING_REQUIRED_FIELD", "message")),
        (message("message", json!("")), (400, "MISSING_REQUIRED_FIELD", "message")),
        (message("message", json!({"text": "hello"})), (400, "INVALID_REQUEST", "message")),
        (message("message", json!("x".repeat(4097))), (400, "INVALID_REQUEST", "message")),
        (message("message", json!("a\u{0}b")), (400, "INVALID_REQUEST", "message")),
        (message("message_id", json!("")), (400, "INVALID_REQUEST", "message_id")),
        (message("message_id", json!("x".repeat(129))), (400, "INVALID_REQUEST", "message_id")),
        (message("message_id", json!("a\nb")), (400, "INVALID_REQUEST", "message_id")),
        (message("sent_at", json!("yesterday")), (400, "INVALID_REQUEST", "sent_at")),
        (message("metadata", json!([])), (400, "INVALID_REQUEST", "metadata")),
        (message("metadata", json!({"x": "y".repeat(4096)})), (400, "INVALID_REQUEST", "metadata")),
        (message("workflow_id", json!("workflow-123")), (404, "WORKFLOW_NOT_FOUND", "")),
        (
            message("workflow_id", json!("workflow-01a20acf-9cb2-767f-9572-1d0534001a8a")),
            (404, "WORKFLOW_NOT_FOUND", ""),
        ),
        (message("mesage", json!("hello")), (400, "INVALID_REQUEST", "mesage")),
    ];
    for (body, expected) in rows {
        table.json(Method::POST, "/v1/messages", body, expected).await;
    }
    for (wait, field) in [("wait=0", "Prefer"), ("wait=31", "Prefer"), ("wait=x", "Prefer")] {
        let request = table.api.request(Method::POST, "/v1/messages").header("prefer", wait);
        let answer = table.api.send(request.json(&message("workflow_id", json!(good)))).await;
        table.note(wait, &answer, (400, "INVALID_REQUEST", field));
    }
    table.get("/v1/messages/m-1?channel=web", (400, "INVALID_REQUEST", "customer_id")).await;
    table.get("/v1/messages/m-1?channel=fax&customer_id=ann", (400, "INVALID_REQUEST", "channel")).await;
    table.get("/v1/messages/m-1?channel=web&customer_id=ann", (404, "MESSAGE_NOT_FOUND", "")).await;
}

async fn bad_starts(table: &mut Table<'_>, good: &str) {
    let path = format!("/v1/workflows/{good}/executions");
    let rows: Vec<(Value, Expected)> = vec![
        (json!({"input": {"message": "x"}}), (400, "MISSING_REQUIRED_FIELD", "customer_id")),
        (json!({"customer_id": "a"}), (400, "MISSING_REQUIRED_FIELD", "input")),
        (json!({"customer_id": "a", "input": "x"}), (400, "INVALID_REQUEST", "input")),
        (json!({"customer_id": "a", "input": {}}), (400, "MISSING_REQUIRED_FIELD", "input.message")),
        (json!({"customer_id": "a", "input": {"message": "x", "y": 1}}), (400, "INVALID_REQUEST", "input.y")),
        (
            json!({"customer_id": "a", "input": {"message": "x"}, "replace": "yes"}),
            (400, "INVALID_REQUEST", "replace"),
        ),
        (
            json!({"customer_id": "a", "input": {"message": "x"}, "channel": "fax"}),
            (400, "INVALID_REQUEST", "channel"),
        ),
    ];
    for (body, expected) in rows {
        table.json(Method::POST, &path, body, expected).await;
    }
    let start = json!({"customer_id": "a", "input": {"message": "x"}});
    table
        .json(Method::POST, "/v1/workflows/workflow-1/executions", start, (404, "WORKFLOW_NOT_FOUND", ""))
        .await;
    let body = json!({"waiting": "drop"});
    table
        .json(
            Method::POST,
            &format!("/v1/workflows/{good}/deactivate"),
            body,
            (400, "INVALID_REQUEST", "waiting"),
        )
        .await;
    let body = json!({"force": true});
    table
        .json(
            Method::POST,
            &format!("/v1/workflows/{good}/activate"),
            body,
            (400, "INVALID_REQUEST", "force"),
        )
        .await;
}

async fn bad_queries(table: &mut Table<'_>, good: &str) {
    for (query, field) in [
        ("page=0", "page"),
        ("page=one", "page"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=5&limit=6", "limit"),
        ("status=deleted", "status"),
        ("channel=fax", "channel"),
        ("cursor=nonsense", "cursor"),
        ("sort=name", "sort"),
        ("search=", "search"),
    ] {
        table.get(&format!("/v1/workflows?{query}"), (400, "INVALID_REQUEST", field)).await;
    }
    for (query, field) in [
        ("status=done", "status"),
        ("start_date=yesterday", "start_date"),
        ("end_date=2024-02-30", "end_date"),
        ("start_date=2024-02-02&end_date=2024-02-01", "end_date"),
        ("conversation_id=7", "conversation_id"),
        ("cursor=nonsense", "cursor"),
        ("page=2&cursor=a-b", "cursor"),
    ] {
        table.get(&format!("/v1/workflows/{good}/executions?{query}"), (400, "INVALID_REQUEST", field)).await;
    }
    for (query, field) in [
        ("status=dead", "status"),
        ("kind=frame", "kind"),
        ("limit=101", "limit"),
        ("cursor=nonsense", "cursor"),
        ("page=2&cursor=d-0", "cursor"),
    ] {
        table.get(&format!("/v1/dead-letters?{query}"), (400, "INVALID_REQUEST", field)).await;
    }
    table.get("/v1/runners?page=1", (400, "INVALID_REQUEST", "page")).await;
    for (query, field) in [
        ("granularity=minute", "granularity"),
        ("timezone=Mars/Olympus", "timezone"),
        ("start_date=yesterday", "start_date"),
        ("end_date=2024-02-30", "end_date"),
        ("start_date=2024-02-02&end_date=2024-02-01", "end_date"),
        ("start_date=2024-02-02T00:00:01Z&end_date=2024-02-02T00:00:00Z", "end_date"),
        ("start_date=2024-02-02&end_date=2024-02-01&timezone=Asia/Tokyo", "end_date"),
        ("start_date=2020-01-01&end_date=2024-01-01&granularity=hour", "granularity"),
        ("status=success", "status"),
    ] {
        table.get(&format!("/v1/workflows/{good}/metrics?{query}"), (400, "INVALID_REQUEST", field)).await;
    }
}

async fn bad_http(table: &mut Table<'_>, good: &str) {
    let path = format!("/v1/workflows/{good}");
    table.get("/", (404, "NOT_FOUND", "")).await;
    table.get("/docs/nothing", (404, "NOT_FOUND", "")).await;
    table.get("/v1/nothing", (404, "NOT_FOUND", "")).await;
    table.get("/v1/workflows/workflow-123", (404, "WORKFLOW_NOT_FOUND", "")).await;
    table.get(&format!("{path}/executions/execution-1"), (404, "EXECUTION_NOT_FOUND", "")).await;
    let letter = "/v1/dead-letters/dead-letter-01a20acf-9e01-7d2c-8a4b-52b7c1f0a9d3";
    for unknown in [letter, "/v1/dead-letters/7", "/v1/dead-letters/dead-letter-7"] {
        table.get(unknown, (404, "DEAD_LETTER_NOT_FOUND", "")).await;
        let retry = format!("{unknown}/retry");
        table.json(Method::POST, &retry, json!({}), (404, "DEAD_LETTER_NOT_FOUND", "")).await;
    }
    let retry = format!("{letter}/retry");
    table.json(Method::POST, &retry, json!({"now": true}), (400, "INVALID_REQUEST", "now")).await;
    table.json(Method::DELETE, letter, json!({}), (405, "METHOD_NOT_ALLOWED", "")).await;
    table.json(Method::PATCH, &path, json!({}), (405, "METHOD_NOT_ALLOWED", "")).await;
    table.json(Method::DELETE, "/v1/messages", json!({}), (405, "METHOD_NOT_ALLOWED", "")).await;
    table.json(Method::PUT, &path, json!({"status": "active"}), (400, "INVALID_REQUEST", "status")).await;
    table.raw("/v1/messages", "text/plain", b"{}", (415, "UNSUPPORTED_MEDIA_TYPE", "")).await;
    table.raw("/v1/messages", "", b"{}", (415, "UNSUPPORTED_MEDIA_TYPE", "")).await;
    table
        .raw("/v1/messages", "application/json; charset=latin-1", b"{}", (415, "UNSUPPORTED_MEDIA_TYPE", ""))
        .await;
    table.raw("/v1/messages", "application/json", b"", (400, "INVALID_REQUEST", "")).await;
    table.raw("/v1/messages", "application/json", b"{\"customer_id\":", (400, "INVALID_REQUEST", "")).await;
    let twice = br#"{"name": "a", "name": "b"}"#;
    table.raw("/v1/workflows", "application/json", twice, (400, "INVALID_REQUEST", "name")).await;
    let twice = br#"{"name": "a", "configuration": {"nodes": [{"content": "a", "content": "a"}]}}"#;
    let expected = (400, "INVALID_REQUEST", "configuration.nodes[0].content");
    table.raw("/v1/workflows", "application/json", twice, expected).await;
    table.raw("/v1/messages", "application/json", b"\xff\xfe", (400, "INVALID_REQUEST", "")).await;
    let deep = "[".repeat(100_000);
    table.raw("/v1/messages", "application/json", deep.as_bytes(), (400, "INVALID_REQUEST", "")).await;
    let large = format!("\"{}\"", "x".repeat((1 << 20) + 1));
    table.raw("/v1/messages", "application/json", large.as_bytes(), (413, "PAYLOAD_TOO_LARGE", "")).await;
    let nobody = table.api.with_key("tl_nonsense");
    let answer = nobody.get("/v1/workflows").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    table.note("a key that is none", &answer, (401, "UNAUTHORIZED", ""));
    let unknown = table.api.with_key(gateway::key::ApiKey::generate().expose());
    let answer = unknown.get("/v1/workflows").await;
    table.note("a key that nobody has", &answer, (401, "UNAUTHORIZED", ""));
}
