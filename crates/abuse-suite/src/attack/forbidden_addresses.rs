//! S13: no URL that an account or a customer can give leads behind the firewall.
//!
//! A name that means something else a moment later needs a resolver of one's own: `crates/outbound`'s tests play that.

use fault_suite::failure::Failure;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Canary, FakeServer, NOT_PUBLIC, Reply};

use crate::account::Account;
use crate::calls::{self, text};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// The network that the operator allows: one that sends its callers on.
pub(super) const ALLOWED: &str = "127.0.0.2/32";

/// An address that is allowed, and behind it one that is not.
const HIDDEN: &str = "127.0.0.2@127.0.0.1";

/// What is tried.
fn hosts() -> impl Iterator<Item = &'static str> {
    NOT_PUBLIC.into_iter().chain([HIDDEN])
}

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s13-{:08x}", stage.seed)).await?;
    let canary = Canary::start();
    let redirected = format!("http://127.0.0.1:{}/redirected", canary.port());
    let redirector = FakeServer::on("127.0.0.2", move |_| {
        Reply::json(302, &json!({"moved": true})).with_header("location", &redirected)
    });
    let api = product.gateway(0, account.full())?;
    stage.say("addresses that authors write");
    let schemes = stage.pick(1, 3);
    for (number, host) in hosts().enumerate() {
        for (scheme, url) in urls(host, canary.port()).into_iter().take(schemes).enumerate() {
            let workflow =
                calling(&format!("written {number} {scheme}"), &format!("go{number}x{scheme}"), &url);
            let made = calls::json(&api, Method::POST, "/v1/workflows", &workflow).await?;
            if made.status == 201 {
                let id = text(made.body.get("data").unwrap_or(&Value::Null), "id");
                calls::make(&api, Method::POST, &format!("/v1/workflows/{id}/activate"), &json!({})).await?;
                calls::say(&api, &format!("w-{number}-{scheme}"), &format!("go{number}x{scheme}")).await?;
            }
            nobody_came(&canary, row, &url);
        }
    }
    stage.say("addresses that customers give");
    let given = calling("given", "fetch", "http://{{ message.metadata.host }}/{{ message.metadata.path }}");
    let given = calls::json(&api, Method::POST, "/v1/workflows", &given).await?;
    row.note(format!("a host from a template is answered with {}", given.status));
    if given.status == 201 {
        let id = text(given.body.get("data").unwrap_or(&Value::Null), "id");
        calls::make(&api, Method::POST, &format!("/v1/workflows/{id}/activate"), &json!({})).await?;
        for (number, host) in hosts().enumerate() {
            let metadata = json!({"host": format!("{host}:{}", canary.port()), "path": "x"});
            let body = json!({"customer_id": format!("g-{number}"), "channel": "web", "message": "fetch", "metadata": metadata});
            let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
            calls::send(&api, request).await?;
            nobody_came(&canary, row, host);
        }
    }
    stage.say("redirects");
    calls::run(&api, &calling("sent on", "redirect", &format!("{}/go", redirector.url()))).await?;
    let told = calls::say(&api, "r-1", "redirect").await?;
    row.must(!redirector.requests().is_empty(), || {
        format!("what the operator allows was not called: {told}")
    });
    nobody_came(&canary, row, "a redirect");
    Ok(())
}

fn nobody_came(canary: &Canary, row: &mut Row, url: &str) {
    row.tried(canary.visitors() == 0, || format!("{url} leads behind the firewall"));
}

fn urls(host: &str, port: u16) -> [String; 3] {
    [
        format!("http://{host}:{port}/"),
        format!("https://{host}:{port}/"),
        format!("hTTp:\\\\{host}:{port}\\path"),
    ]
}

/// Calls a URL, and says how that went.
fn calling(name: &str, keyword: &str, url: &str) -> Value {
    json!({
        "name": name, "description": "", "channel": "web",
        "configuration": {"trigger": {"type": "message", "keywords": [keyword]}, "nodes": [
            {"id": "call", "type": "http_request", "method": "GET", "url": url, "timeout_ms": 2000, "on_error": "tell", "next": "tell"},
            {"id": "tell", "type": "message", "content": "{{ steps.call | tojson }}"}
        ]}
    })
}
