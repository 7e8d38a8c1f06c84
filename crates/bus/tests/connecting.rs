//! Connecting to a nats-server that asks who one is.

use bus::{Bus, BusConfig};
use local_stack::Nats;

async fn connect(nats: &Nats, login: &str) -> bool {
    let url = nats.url().replace("nats://", &format!("nats://{login}"));
    Bus::connect(&BusConfig::for_url(&url), "test").await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn user_and_password_of_the_address_are_named() {
    let nats = Nats::ephemeral_for("turnloom", "p@ss:wörd").unwrap();
    assert!(connect(&nats, "turnloom:p%40ss%3Aw%C3%B6rd@").await);
    assert!(!connect(&nats, "turnloom:wrong@").await);
    assert!(!connect(&nats, "turnloom@").await);
    assert!(!connect(&nats, "").await);
}
