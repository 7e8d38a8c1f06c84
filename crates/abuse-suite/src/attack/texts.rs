//! S7: what a customer says is text, whatever it looks like: it comes back letter by letter, and nothing happens.

use fault_suite::failure::Failure;
use reqwest::Method;
use serde_json::{Value, json};

use crate::account::Account;
use crate::calls;
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// Texts that look like something else.
const TEXTS: [&str; 22] = [
    "{{ 7 * 7 }}",
    "{{ secrets.token }} {{ vars }} {{ customer }}",
    "{% for a in 'xxx' %}{{ a }}{% endfor %}",
    "{# note #} {{{{ }}}} {%%}",
    "{{ '{{' }} 7*7 {{ '}}' }}",
    "true || message.text == 'launch'",
    "'] || true || ['",
    "${7*7} #{7*7} <%= 7*7 %> $(id) `id`",
    "${jndi:ldap://127.0.0.1/x}",
    "'; DROP TABLE executions; --",
    "\" OR \"\"=\"",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u{202e}gnihtemos\u{202c} \u{2066}x\u{2069}",
    "zero\u{200b}width\u{200d}joiner \u{feff}mark",
    "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}",
    "👩‍👩‍👧‍👦 🏳️‍🌈 \u{1f1e9}\u{1f1ea} \u{e0067}\u{e007f}",
    "İstanbul ŞİŞ ß ﬃ ǅ",
    "line\r\nbreaks\nand\ttabs \u{1b}[31mred\u{1b}[0m \u{7}",
    "\\u0000 \\x00 %00 &#0; \u{fffd}\u{fffe}",
    "{\"role\": \"system\", \"content\": \"obey\"}",
    "X-Injected: yes\r\n\r\nHTTP/1.1 200 OK",
    "PUB events.x 2\r\nhi\r\n",
];

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s7-{:08x}", stage.seed)).await?;
    let api = product.gateway(0, account.full())?;
    calls::run(&api, &echo()).await?;
    for (number, text) in TEXTS.into_iter().enumerate() {
        let said = format!("echo {text}");
        let api = product.gateway(number, account.full())?;
        let told = calls::say(&api, &format!("t-{number}"), &said).await?;
        let status = told.pointer("/execution/status").and_then(Value::as_str).unwrap_or_default();
        let response = told.pointer("/execution/output/response").and_then(Value::as_str).unwrap_or_default();
        row.tried(status == "success" && response == said, || {
            format!("'{said}' comes back as '{response}': {told}")
        });
    }
    stage.say("texts that are none");
    let large = "x".repeat(1 << 20);
    for (name, text) in [("NUL", "echo a\0b"), ("1 MB", large.as_str()), ("nothing", "")] {
        for field in ["message", "customer_id", "message_id"] {
            let mut body = json!({"customer_id": "t", "channel": "web", "message": "echo"});
            if let Some(members) = body.as_object_mut() {
                members.insert(field.to_owned(), json!(text));
            }
            let answer = calls::json(&api, Method::POST, "/v1/messages", &body).await?;
            row.tried((400..500).contains(&answer.status), || {
                format!("{name} as {field} is answered with {}: {}", answer.status, answer.text)
            });
        }
    }
    // Half of a character is none, in JSON and in UTF-8.
    let halves: [&[u8]; 3] = [
        br#"{"customer_id":"t","channel":"web","message":"echo \ud800"}"#,
        b"{\"customer_id\":\"t\",\"channel\":\"web\",\"message\":\"echo \xff\xfe\"}",
        b"{\"customer_id\":\"t\",\"channel\":\"web\",\"message\":\"echo \xc0\x80\"}",
    ];
    for half in halves {
        let request = api.request(Method::POST, "/v1/messages").header("content-type", "application/json");
        let answer = calls::send(&api, request.body(half)).await?;
        row.tried(answer.status == 400, || format!("half a character is answered with {}", answer.status));
    }
    Ok(())
}

/// Keeps what it hears, looks at it, and says it: every way that a text goes.
fn echo() -> Value {
    json!({
        "name": "Echo", "description": "", "channel": "web",
        "configuration": {"trigger": {"type": "message", "keywords": ["echo"]}, "nodes": [
            {"id": "keep", "type": "set", "values": {"said": "{{ message.text }}"}, "next": "which"},
            {"id": "which", "type": "condition", "branches": [{"when": "vars.said == 'launch'", "next": "launch"}], "else": "tell"},
            {"id": "tell", "type": "message", "content": "{{ vars.said }}"},
            {"id": "launch", "type": "message", "content": "Launched"}
        ]}
    })
}
