//! S13: no URL that an account or a customer can give leads behind the firewall.
//!
//! A name that means something else a moment later needs a resolver of one's own: `crates/outbound`'s tests play that.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fault_suite::failure::{Failure, io_error};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{FakeServer, Reply};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::account::Account;
use crate::calls::{self, text};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// The network that the operator allows: one that sends its callers on.
pub(super) const ALLOWED: &str = "127.0.0.2/32";
/// A connection that was begun would be there by then.
const SETTLING: Duration = Duration::from_millis(500);

/// Hosts that are this machine, or one behind the firewall.
const HOSTS: [&str; 34] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.1",
    "017700000001",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "any.localhost",
    "127.0.0.1.",
    "127。0。0。1",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
    "127.0.0.2@127.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00:ec2::254]",
];

/// Listens where nobody may come, and counts who does.
struct Canary {
    port: u16,
    came: Arc<AtomicUsize>,
    listening: Vec<JoinHandle<()>>,
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.listening.iter().for_each(JoinHandle::abort);
    }
}

impl Canary {
    async fn start() -> Result<Self, Failure> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io_error("a canary"))?;
        let port = v4.local_addr().map_err(io_error("a canary"))?.port();
        // A machine without IPv6 has nobody there.
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        let came = Arc::new(AtomicUsize::new(0));
        let listen = |listener: TcpListener| {
            let came = Arc::clone(&came);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    came.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let listening = std::iter::once(v4).chain(v6).map(listen).collect();
        Ok(Self { port, came, listening })
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s13-{:08x}", stage.seed)).await?;
    let canary = Canary::start().await?;
    let redirected = format!("http://127.0.0.1:{}/redirected", canary.port);
    let redirector = FakeServer::on("127.0.0.2", move |_| {
        Reply::json(302, &json!({"moved": true})).with_header("location", &redirected)
    });
    let api = product.gateway(0, account.full())?;
    stage.say("addresses that authors write");
    let schemes = stage.pick(1, 3);
    for (number, host) in HOSTS.into_iter().enumerate() {
        for (scheme, url) in urls(host, canary.port).into_iter().take(schemes).enumerate() {
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
        for (number, host) in HOSTS.into_iter().enumerate() {
            let metadata = json!({"host": format!("{host}:{}", canary.port), "path": "x"});
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
    sleep(SETTLING).await;
    nobody_came(&canary, row, "a redirect");
    Ok(())
}

fn nobody_came(canary: &Canary, row: &mut Row, url: &str) {
    let before = row.got_through;
    let came = canary.came();
    row.tried(came as u64 <= before, || format!("{url} leads behind the firewall"));
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
