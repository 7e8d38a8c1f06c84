//! Nothing is lost, done twice or out of order, whatever is killed.
//!
//! Two gateways, two runners, the catalog and the aggregator as separate processes; each of them, nats-server and
//! PostgreSQL are killed with kill -9 once while customers talk to two workflows. What was not acknowledged is sent
//! again. Afterwards everything that the product says must be exactly what the scripts of the customers say.
//!
//! `TURNLOOM_EXACTNESS_MESSAGES=50000` plays a larger game.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod fleet;
mod oracle;
mod ports;
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fleet::{Fleet, Part};
use script::Script;
use serde_json::json;
use testkit::{Api, eventually, workflows};

/// Messages of the game in `make test`.
const MESSAGES_DEFAULT: usize = 5_000;
/// Messages of one customer.
const MESSAGES_PER_CUSTOMER: usize = 10;
/// Customers that talk at once.
const CUSTOMERS_AT_ONCE: usize = 64;

/// What is killed, and how much of the game is acknowledged then, in percent.
const KILLS: [(usize, Part); 8] = [
    (8, Part::RunnerOne),
    (18, Part::GatewayOne),
    (28, Part::Catalog),
    (38, Part::Nats),
    (50, Part::Postgres),
    (62, Part::RunnerTwo),
    (74, Part::GatewayTwo),
    (86, Part::Aggregator),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_handled_once_and_in_order_whatever_is_killed() {
    let messages = messages();
    let mut fleet = Fleet::start().await;
    let api = fleet.gateways[0].clone();
    let greet = api.run(&workflows::greet("Greet", "hello")).await;
    let survey = api.run(&workflows::survey("Survey", "start")).await;
    let scripts: Arc<Vec<Script>> = Arc::new(
        (0..messages / MESSAGES_PER_CUSTOMER)
            .map(|n| Script::of_customer(n, MESSAGES_PER_CUSTOMER))
            .collect(),
    );

    let acknowledged = Arc::new(AtomicUsize::new(0));
    let customers = play(&scripts, &fleet.gateways, &acknowledged);
    for (percent, part) in KILLS {
        eventually(&format!("{percent} % is acknowledged"), || async {
            (acknowledged.load(Ordering::Relaxed) * 100 >= messages * percent).then_some(())
        })
        .await;
        eprintln!("{percent} %: kill -9 {part:?}");
        fleet.kill(part);
        // So long that the game feels it.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        fleet.start_again(part).await;
    }
    customers.join_all().await;
    assert_eq!(acknowledged.load(Ordering::Relaxed), messages);

    oracle::executions_are_exact(&api, &scripts, [&greet, &survey]).await;
    oracle::events_are_exact(&fleet, &scripts).await;
    oracle::numbers_are_exact(&fleet, messages).await;
    fleet.stop().await;
}

/// All customers talk, some at once; each sends its next message when the last one is acknowledged.
fn play(
    scripts: &Arc<Vec<Script>>,
    gateways: &[Api; 2],
    acknowledged: &Arc<AtomicUsize>,
) -> tokio::task::JoinSet<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut customers = tokio::task::JoinSet::new();
    for _ in 0..CUSTOMERS_AT_ONCE {
        let (scripts, next, acknowledged) =
            (Arc::clone(scripts), Arc::clone(&next), Arc::clone(acknowledged));
        let gateways = gateways.clone();
        customers.spawn(async move {
            while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                for turn in &script.turns {
                    send(&gateways, script, turn).await;
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    customers
}

/// Sends a message through one gateway or the other until one acknowledges it.
async fn send(gateways: &[Api; 2], script: &Script, turn: &script::Turn) {
    let body = json!({
        "customer_id": script.customer,
        "channel": "web",
        "message": turn.says,
        "message_id": turn.message_id,
    });
    let attempts = AtomicUsize::new(script.number);
    eventually("a message is acknowledged", || async {
        let gateway = &gateways[attempts.fetch_add(1, Ordering::Relaxed) % 2];
        let request = gateway.request(reqwest::Method::POST, "/v1/messages").json(&body);
        let answer = gateway.try_send(request).await?;
        assert!([202, 503, 504].contains(&answer.status), "{} {}", answer.status, answer.body);
        (answer.status == 202).then_some(())
    })
    .await;
}

#[expect(clippy::disallowed_methods, reason = "the size of the game is the player's")]
fn messages() -> usize {
    let set = std::env::var("TURNLOOM_EXACTNESS_MESSAGES").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(MESSAGES_DEFAULT)
}
