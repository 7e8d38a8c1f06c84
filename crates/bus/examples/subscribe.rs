//! A subscriber to events, as the README shows it; that test runs it.
#![expect(clippy::disallowed_methods, reason = "a program of its own, outside the product's configuration")]

use async_nats::jetstream::{self, consumer::pull::Config};
use async_nats::{Client, ConnectOptions, ServerAddr};
use futures::StreamExt;
use serde_json::Value;
use std::{collections::HashSet, env};

#[tokio::main]
async fn main() -> Result<(), async_nats::Error> {
    let js = jetstream::new(connect(&env::var("NATS_URL")?).await?);
    let config = Config {
        durable_name: Some("my-crm".into()),
        filter_subject: "events.*.message.sent".into(),
        ..Config::default()
    };
    let mut messages = js.create_consumer_on_stream(config, "EVENTS").await?.messages().await?;
    let mut seen = HashSet::new(); // in real life: kept in the same transaction as your own data
    while let Some(message) = messages.next().await {
        let Ok(message) = message else { continue }; // NATS is away: goes on when it is back
        for event in serde_json::from_slice::<Vec<Value>>(&message.payload)? {
            let get = |path| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
            if seen.insert(get("/id").to_owned()) {
                println!("{} {} {}", get("/type"), get("/data/customer_id"), get("/data/message"));
            }
        }
        message.ack().await?; // only now
    }
    Ok(())
}

/// Connects as the user of the address, whom the driver does not look for there.
async fn connect(url: &str) -> Result<Client, async_nats::Error> {
    let address: ServerAddr = url.parse()?;
    let options = match (address.username(), address.password()) {
        (Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        _ => ConnectOptions::new(),
    };
    Ok(options.connect(address).await?)
}
