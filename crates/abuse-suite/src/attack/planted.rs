//! S14: a secret is where it must be, and nowhere else: not in logs, not on the bus, not in its files, not in numbers.

use fault_suite::failure::{Failure, io_error};
use gateway::key::Level;
use rand::RngExt;
use reqwest::Method;
use serde_json::json;
use testkit::{Api, FakeServer, FakeTarget, Reply};

use crate::account::Account;
use crate::calls::{self, text};
use crate::files;
use crate::product::{Product, Settings};
use crate::row::Row;
use crate::stage::Stage;
use crate::wiretap::Wiretap;

/// The key of the model that the runner is told of.
const MODEL_KEY: &str = "sk-planted-for-a-model-that-is-not-there";
/// The name of a secret, which may be seen.
const NAME: &str = "planted_name";

/// All that is logged, and systems of this machine may be called.
pub(super) fn settings() -> Settings {
    let runner_flags = [
        "--outbound-allow",
        "127.0.0.0/8",
        "--llm-url",
        "http://127.0.0.1:9/v1",
        "--llm-model",
        "none",
        "--llm-key",
        MODEL_KEY,
    ];
    Settings { log: "trace", ..Settings::with_runner("planted", &runner_flags) }
}

/// What was planted: texts that must be nowhere, and texts that the database alone may know.
struct Planted {
    nowhere: Vec<String>,
    in_the_database: Vec<String>,
}

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let wiretap = Wiretap::start(&product.nats.url()).await?;
    let account = Account::make(product, &format!("s14-{:08x}", stage.seed)).await?;
    let planted = plant(stage, product, row, &account).await?;
    let mut everything = planted.nowhere.clone();
    everything.extend(planted.in_the_database.iter().cloned());
    stage.say("looking for them");
    let mut numbers = 0;
    for (name, admin) in &product.admins {
        let read = async { reqwest::get(format!("{admin}/metrics")).await?.text().await };
        let metrics =
            read.await.map_err(|error| Failure::broken(format!("{name} tells no numbers: {error}")))?;
        numbers += metrics.len();
        for secret in &everything {
            row.tried(!metrics.contains(secret), || format!("the numbers of {name} hold '{secret}'"));
        }
    }
    for secret in &everything {
        row.tried(!wiretap.heard(secret), || format!("the bus has carried '{secret}'"));
    }
    let (mut looked_at, mut with_name) = (0, 0);
    for path in files::all(&product.directory) {
        let of_database = path.strip_prefix(product.directory.join("postgres")).is_ok();
        let wanted = if of_database { &planted.nowhere } else { &everything };
        // A file that the database has removed meanwhile holds nothing.
        let Ok(found) = files::found(&path, wanted) else { continue };
        looked_at += 1;
        row.tried(found.is_empty(), || format!("{} holds {found:?}", path.display()));
        with_name +=
            usize::from(files::found(&path, &[NAME.to_owned()]).is_ok_and(|found| !found.is_empty()));
    }
    row.must(with_name > 0, || {
        "the name of the secret was not found: the search looks in the wrong place".to_owned()
    });
    let logs = std::fs::metadata(product.directory.join("gateway-0.log")).map_err(io_error("a log"))?.len();
    row.must(logs > 10_000 && wiretap.bytes() > 1000 && numbers > 1000, || {
        format!(
            "there was little to look at: {logs} bytes of a log, {} of the bus, {numbers} of numbers",
            wiretap.bytes()
        )
    });
    row.note(format!("{looked_at} files, {} KiB of the bus", wiretap.bytes() >> 10));
    Ok(())
}

async fn plant(
    stage: &Stage,
    product: &Product,
    row: &mut Row,
    account: &Account,
) -> Result<Planted, Failure> {
    let mut rng = stage.rng();
    let mut secret =
        |place: &str| format!("planted-{place}-{:016x}{:016x}", rng.random::<u64>(), rng.random::<u64>());
    let api = product.gateway(0, account.full())?;
    let mut nowhere = vec![
        account.full().to_owned(),
        api.key().to_owned(),
        MODEL_KEY.to_owned(),
        product.secrets_key.clone(),
    ];
    let in_the_database = vec![secret("idempotency")];
    // Keys that are none, and headers that nobody asked for.
    for place in ["key", "basic", "cookie", "header", "query", "proxy"] {
        nowhere.push(secret(place));
    }
    let [.., key, basic, cookie, header, query, proxy] = nowhere.as_slice() else {
        return Err(Failure::broken("nothing is planted"));
    };
    for gateway in &product.gateways {
        for request in [
            gateway.with_key(key).request(Method::GET, "/v1/workflows"),
            gateway.with_key(format!("tl_{key}")).request(Method::POST, "/v1/messages").json(&json!({})),
            api.request(Method::GET, "/v1/workflows").header("cookie", cookie).header("x-planted", header),
            api.request(Method::GET, &format!("/v1/workflows?access_token={query}")),
            api.request(Method::GET, "/v1/workflows").header("proxy-authorization", proxy),
        ] {
            calls::send(gateway, request).await?;
        }
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| Failure::broken(error.to_string()))?;
        let url = format!("{}/v1/workflows", gateway.base());
        http.get(url).header("authorization", format!("Basic {basic}")).send().await.ok();
    }
    // An Idempotency-Key: the database knows requests again by it.
    for body in [json!({"name": "kept"}), json!({"name": "kept-2"}), json!([])] {
        let request = api.request(Method::POST, "/v1/knowledge-bases").json(&body);
        let request = request.header("idempotency-key", in_the_database.first().cloned().unwrap_or_default());
        calls::send(&api, request).await?;
    }
    // A key whose only copy is in an answer, which is kept for whoever asks again.
    let request =
        api.request(Method::POST, "/v1/api-keys").json(&json!({"name": "new", "level": "read_only"}));
    let made = calls::send(&api, request.header("idempotency-key", "once")).await?;
    let made = text(made.body.get("data").unwrap_or(&serde_json::Value::Null), "secret");
    row.must(made.starts_with("tl_"), || "no key was made".to_owned());
    nowhere.push(made);
    // A client that asks for tokens in its own name.
    let client = account.client(product, "planted", Level::FullAccess).await?;
    let with_token = product.gateway(1, &client.access)?;
    row.must(calls::get(&with_token, "/v1/workflows").await?.status == 200, || {
        "a token opens nothing".to_owned()
    });
    nowhere.extend([client.secret, client.access]);
    let value = secret("value");
    stored(&api, row, &value).await?;
    nowhere.push(value);
    Ok(Planted { nowhere, in_the_database })
}

/// A secret of an account: stored, refused, used, and gone.
async fn stored(api: &Api, row: &mut Row, value: &str) -> Result<(), Failure> {
    let path = format!("/v1/secrets/{NAME}");
    calls::make(api, Method::PUT, &path, &json!({"value": value})).await?;
    for wrong in [
        json!({"value": value, "more": value}),
        json!({"value": [value]}),
        json!({"value": value.repeat(200)}),
        json!(value),
    ] {
        let answer = calls::json(api, Method::PUT, &path, &wrong).await?;
        row.must((400..500).contains(&answer.status), || {
            format!("a bad secret is answered with {}", answer.status)
        });
        row.tried(!answer.text.contains(value), || format!("an answer repeats the secret: {}", answer.text));
    }
    let target = FakeTarget::start();
    // What went wrong is told without what was sent.
    let refusing = FakeServer::start(|_| Reply::json(400, &json!({"error": "no"})));
    let workflow = json!({
        "name": "Uses it", "description": "", "channel": "web",
        "configuration": {"trigger": {"type": "message", "keywords": ["use"]}, "nodes": [
            {"id": "call", "type": "http_request", "method": "POST", "url": format!("{}/x?k={{{{ secrets.{NAME} }}}}", target.url()),
             "headers": {"authorization": format!("Bearer {{{{ secrets.{NAME} }}}}")},
             "body": {"token": format!("{{{{ secrets.{NAME} }}}}")}, "on_error": "fails", "next": "fails"},
            {"id": "fails", "type": "http_request", "method": "GET", "url": format!("{}/{{{{ secrets.{NAME} }}}}", refusing.url()),
             "on_error": "ask", "next": "ask"},
            {"id": "ask", "type": "ai_response", "knowledge_base": "kept", "fallback_message": "no", "next": "tell"},
            {"id": "tell", "type": "message", "content": "{{ steps | tojson }}"}]}
    });
    calls::run(api, &workflow).await?;
    let told = calls::say(api, "planted-customer", "use it").await?;
    row.tried(!told.to_string().contains(value), || format!("an execution shows the secret: {told}"));
    row.must(target.requests().iter().any(|request| request.text.contains(value)), || {
        "the secret was never used, so nothing is proven".to_owned()
    });
    let seen = calls::get(api, "/v1/secrets").await?;
    row.tried(seen.text.contains(NAME) && !seen.text.contains(value), || {
        format!("the list shows the secret: {}", seen.text)
    });
    Ok(())
}
