//! S5: documents that would take long or much are refused quickly, and take little; those that go round in circles end.

use std::time::Duration;

use fault_suite::failure::Failure;
use serde_json::{Value, json};
use testkit::Api;
use tokio::time::Instant;

use crate::account::Account;
use crate::calls::{self, text};
use crate::memory::Watch;
use crate::product::Product;
use crate::raw;
use crate::row::Row;
use crate::stage::Stage;

/// A refusal takes no longer.
const QUICK: Duration = Duration::from_millis(200);
/// Nothing grows by more.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// A connection over which nothing comes for so long is over.
const QUIET: Duration = Duration::from_secs(20);
/// Each is sent so often.
const ROUNDS: usize = 3;

/// A document, and whether one field is to blame for it: a text that is no JSON at all, or is not read to its end, has none.
struct Attempt {
    name: &'static str,
    body: String,
    has_field: bool,
}

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s5-{:08x}", stage.seed)).await?;
    let pids: Vec<u32> = product.pids().into_iter().map(|(_, pid)| pid).collect();
    let mut slowest = Duration::ZERO;
    for attempt in attempts() {
        stage.say(attempt.name);
        let watch = Watch::start(&pids);
        for round in 0..stage.pick(1, ROUNDS) {
            for path in ["/v1/workflows", "/v1/workflows/validate", "/v1/messages"] {
                let api = product.gateway(round, account.full())?;
                let took = send(&api, path, &attempt, row).await?;
                // What one machine sends to itself takes it as long as the rest.
                if attempt.body.len() < 2 << 20 {
                    slowest = slowest.max(took);
                }
            }
        }
        row.grew(watch.grew(), GROWTH_BYTES_MAX);
    }
    row.time("slowest refusal", slowest, QUICK);
    circles(product, &account, row).await
}

async fn send(api: &Api, path: &str, attempt: &Attempt, row: &mut Row) -> Result<Duration, Failure> {
    let length = format!("content-length: {}", attempt.body.len());
    let lines = ["content-type: application/json", &length, "connection: close"];
    let request = raw::head(api, "POST", path, &lines);
    let begun = Instant::now();
    let heard = raw::exchange(api, format!("{request}{}", attempt.body).as_bytes(), QUIET).await?;
    let took = begun.elapsed();
    let answer: Value = heard
        .text
        .split_once("\r\n\r\n")
        .and_then(|(_, body)| serde_json::from_str(body).ok())
        .unwrap_or_default();
    // Validation answers what is wrong instead of refusing it.
    let told_invalid = path.ends_with("/validate") && answer.pointer("/data/valid") == Some(&json!(false));
    let first = |pointer: &str| {
        answer.pointer(pointer).and_then(Value::as_str).is_some_and(|field| !field.is_empty())
    };
    let named = first("/error/field") || first("/data/errors/0/field");
    let refused = heard.statuses.len() == 1 && (heard.refuses() || told_invalid);
    row.tried(refused && (named || !attempt.has_field), || {
        format!("{} at {path} is answered with {}", attempt.name, heard.shown())
    });
    Ok(took)
}

fn attempts() -> Vec<Attempt> {
    let workflow = |nodes: &str| {
        format!(
            r#"{{"name":"big","description":"","channel":"web","configuration":{{"trigger":{{"type":"api"}},"nodes":{nodes}}}}}"#
        )
    };
    let nodes = |count: usize| {
        let node = |n: usize| format!(r#"{{"id":"n{n}","type":"end"}}"#);
        workflow(&format!("[{}]", (0..count).map(node).collect::<Vec<_>>().join(",")))
    };
    let refused = |name, body| Attempt { name, body, has_field: true };
    let unread = |name, body| Attempt { name, body, has_field: false };
    let many = |count: usize, item: &str| vec![item; count].join(",");
    vec![
        unread("1,000,000 nodes", nodes(1_000_000)),
        unread("2 MiB", workflow(&format!("[\"{}\"]", "x".repeat(2 << 20)))),
        unread("10,000 levels", workflow(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))),
        unread(
            "10,000 levels of objects",
            workflow(&format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000))),
        ),
        unread("no end", "[".repeat(900_000)),
        refused("100 levels", workflow(&format!("{}{}", "[".repeat(100), "]".repeat(100)))),
        refused("30,000 nodes", nodes(30_000)),
        refused("an id twice", workflow(r#"[{"id":"a","type":"end"},{"id":"a","type":"end"}]"#)),
        refused("a field twice", workflow(r#"[{"id":"a","id":"b","type":"end"}]"#)),
        refused("a long id", workflow(&format!(r#"[{{"id":"{}","type":"end"}}]"#, "x".repeat(500_000)))),
        refused(
            "a long text",
            workflow(&format!(r#"[{{"id":"a","type":"message","content":"{}"}}]"#, "x".repeat(800_000))),
        ),
        refused("100,000 nulls", workflow(&format!("[{}]", many(100_000, "null")))),
        refused("100,000 fields", {
            let fields = (0..60_000).map(|n| format!(r#""f{n}":1"#)).collect::<Vec<_>>().join(",");
            format!("{{{fields}}}")
        }),
        refused("100,000 keywords", {
            let words = many(100_000, r#""hello""#);
            format!(
                r#"{{"name":"k","channel":"web","configuration":{{"trigger":{{"type":"message","keywords":[{words}]}},"nodes":[]}}}}"#
            )
        }),
        refused("a node that is its own next without a type", workflow(r#"[{"id":"a","next":"a"}]"#)),
    ]
}

/// A flow may go in circles, since what it does may depend on what it hears; one that never waits ends as failed.
async fn circles(product: &Product, account: &Account, row: &mut Row) -> Result<(), Failure> {
    let api = product.gateway(0, account.full())?;
    let flows = [
        ("itself", json!([{"id": "a", "type": "set", "values": {"x": "1"}, "next": "a"}])),
        (
            "each other",
            json!([
            {"id": "a", "type": "set", "values": {"x": "{{ vars.x }}y"}, "next": "b"},
            {"id": "b", "type": "condition", "branches": [{"when": "true", "next": "a"}], "else": "a"}]),
        ),
        (
            "growing",
            json!([{"id": "a", "type": "set", "values": {"x": "{{ vars.x }}{{ vars.x }}xxxxxxxxxxxxxxxx"}, "next": "a"}]),
        ),
        ("talking", json!([{"id": "a", "type": "message", "content": "{{ message.text }}", "next": "a"}])),
    ];
    for (number, (name, nodes)) in flows.into_iter().enumerate() {
        let keyword = format!("circle{number}");
        let workflow = json!({
            "name": name, "description": "", "channel": "web",
            "configuration": {"trigger": {"type": "message", "keywords": [keyword]}, "nodes": nodes}
        });
        calls::run(&api, &workflow).await?;
        let told = calls::say(&api, &format!("c-{number}"), &keyword).await?;
        let status = text(told.get("execution").unwrap_or(&Value::Null), "status");
        row.tried(status == "failed", || {
            format!("a flow that goes in circles ({name}) is '{status}': {told}")
        });
    }
    Ok(())
}
