//! S6: what is small to write and large to run ends in an error, soon, and takes nobody with it.

use std::time::Duration;

use fault_suite::failure::Failure;
use reqwest::Method;
use serde_json::{Value, json};

use crate::account::Account;
use crate::calls::{self, text};
use crate::memory::{Watch, cpu};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// Processor time that one of them takes at most.
const CPU_MAX: Duration = Duration::from_millis(100);
/// The same for all of them, as memory.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// Characters of what one of them may say.
const SAID_CHARS_MAX: usize = 64 * 1024;

const LOOP: &str = "{% for a in message.text %}{% for b in message.text %}{% for c in message.text %}{% for d in message.text %}{{ a }}{% endfor %}{% endfor %}{% endfor %}{% endfor %}";

fn templates() -> Vec<String> {
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    vec![
        LOOP.to_owned(),
        "{{ 'x' * 1000000000 }}".to_owned(),
        "{{ [1] * 1000000000 }}".to_owned(),
        "{{ range(1000000000) | join }}".to_owned(),
        "{{ 2 ** 1000000 ** 1000000 }}".to_owned(),
        "{% set x = 'xxxxxxxxxx' %}{% set x = x ~ x %}{{ x }}".to_owned(),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        "{% include 'self' %}{% import 'x' as y %}{% extends 'z' %}".to_owned(),
        "{{ message.__class__.__mro__[1].__subclasses__() }}".to_owned(),
        "{{ self.__init__.__globals__ }} {{ config }} {{ env }}".to_owned(),
        "{{ '%0999999999d' | format(1) }}".to_owned(),
        format!("{{{{ {} }}}}", nested("(", ")", 1500)),
        format!("{{{{ {} }}}}", nested("[", "]", 1500)),
        format!("{{{{ {}1 }}}}", "not ".repeat(900)),
        format!("{{{{ {}1 }}}}", "1 + ".repeat(900)),
        format!("{}{}", "{% if 1 %}".repeat(300), "{% endif %}".repeat(100)),
        format!("{{{{ message.text{} }}}}", " | upper".repeat(400)),
        format!("{{{{ message{} }}}}", ".a".repeat(1500)),
        "{{ 'x'.ljust(1000000000) }} {{ message.text | center(1000000000) }}".to_owned(),
        "{% for a in message.text recursive %}{{ loop(message.text) }}{% endfor %}".to_owned(),
    ]
}

fn expressions() -> Vec<String> {
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}true{}", open.repeat(depth), close.repeat(depth));
    vec![
        nested("(", ")", 900),
        nested("[", "]", 900),
        format!("{}true", "!".repeat(1500)),
        format!("{}1 > 0", "-".repeat(1500)),
        format!("{}true{}", "true ? ".repeat(200), " : false".repeat(200)),
        "[1, 2, 3].map(a, [1, 2, 3].map(b, [1, 2, 3].map(c, a * b * c))).size() > 0".to_owned(),
        "message.text.matches('^(a+)+$')".to_owned(),
        "message.text.matches('((((a{1,1000}){1,1000}){1,1000}){1,1000})')".to_owned(),
        format!("message.text.matches('{}')", "(a*)*".repeat(200)),
        "9223372036854775807 + 1 > 0 || -9223372036854775808 / -1 > 0".to_owned(),
        "duration('9223372036854775807s') > duration('1s')".to_owned(),
        format!("'{}' == message.text", "x".repeat(1900)),
        format!("{}''.size() > 0", "message.text + ".repeat(120)),
        "string(message.text + message.text) * 1000000000 == ''".to_owned(),
        "[message.text, message.text].exists(x, x.matches(x))".to_owned(),
        "timestamp('9999-12-31T23:59:59Z') + duration('999999999h') > timestamp('0001-01-01T00:00:00Z')"
            .to_owned(),
    ]
}

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s6-{:08x}", stage.seed)).await?;
    let pids: Vec<u32> = product.pids().into_iter().map(|(_, pid)| pid).collect();
    let watch = Watch::start(&pids);
    let (mut refused, mut longest) = (0, Duration::ZERO);
    let templates = templates().into_iter().map(|source| (node("message", "content", &source), source));
    let expressions = expressions().into_iter().map(|source| (condition(&source), source));
    for (number, (nodes, source)) in templates.chain(expressions).enumerate() {
        let api = product.gateway(number, account.full())?;
        let workflow = json!({
            "name": format!("bomb {number}"), "description": "", "channel": "web",
            "configuration": {"trigger": {"type": "message", "keywords": [format!("bomb{number}")]}, "nodes": nodes}
        });
        let before = cpu_of(&pids);
        let made = calls::json(&api, Method::POST, "/v1/workflows", &workflow).await?;
        if (400..500).contains(&made.status) {
            refused += 1;
            row.tried(true, String::new);
        } else {
            let id = text(made.body.get("data").unwrap_or(&Value::Null), "id");
            calls::make(&api, Method::POST, &format!("/v1/workflows/{id}/activate"), &json!({})).await?;
            let said = format!("bomb{number} {}!", "a".repeat(200));
            let told = calls::say(&api, &format!("b-{number}"), &said).await?;
            let execution = told.get("execution").cloned().unwrap_or_default();
            let (status, length) = (text(&execution, "status"), execution.to_string().len());
            let ended = matches!(status.as_str(), "failed" | "success");
            row.tried(ended && length <= SAID_CHARS_MAX, || {
                let shown: String = source.chars().take(120).collect();
                format!("{shown} is '{status}' and says {length} characters")
            });
        }
        longest = longest.max(cpu_of(&pids).saturating_sub(before));
    }
    row.time("most CPU time of one, all services", longest, CPU_MAX);
    row.grew(watch.grew(), GROWTH_BYTES_MAX);
    row.note(format!("{refused} refused when they were written, the others ran to their bounds"));
    let after: Vec<u32> = product.pids().into_iter().map(|(_, pid)| pid).collect();
    row.must(after == pids, || "a process has ended".to_owned());
    Ok(())
}

fn node(kind: &str, field: &str, source: &str) -> Value {
    json!([{"id": "n", "type": kind, field: source}])
}

fn condition(source: &str) -> Value {
    json!([
        {"id": "n", "type": "condition", "branches": [{"when": source, "next": "e"}], "else": "e"},
        {"id": "e", "type": "message", "content": "over"}
    ])
}

fn cpu_of(pids: &[u32]) -> Duration {
    pids.iter().map(|pid| cpu(*pid)).sum()
}
