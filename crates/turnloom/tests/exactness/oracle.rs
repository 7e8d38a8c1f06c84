//! What must be true afterwards, told by the scripts alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bus::events::{Begin, Subscription};
use bus::{Bus, BusConfig};
use contracts::subject;
use serde_json::Value;
use testkit::{Api, eventually};

use super::fleet::Fleet;
use super::script::Script;

/// One execution for each message, in the order of sending, with the replies of the script; totals that agree.
pub async fn executions_are_exact(api: &Api, scripts: &[Script], [greet, survey]: [&String; 2]) {
    for (workflow, surveyed) in [(greet, false), (survey, true)] {
        let ours = || scripts.iter().filter(|script| script.survey == surveyed);
        let expected: usize = ours().map(|script| script.turns.len()).sum();
        eventually("all messages are handled", || async {
            let list = api.get(&format!("/v1/workflows/{workflow}/executions?limit=1")).await;
            let total = list.body["pagination"]["total"].as_u64()?;
            assert!(total <= expected as u64, "{total} executions of {expected} messages");
            (total == expected as u64).then_some(())
        })
        .await;
        let shown = api.get(&format!("/v1/workflows/{workflow}")).await.expect(200);
        assert_eq!(shown["data"]["execution_count"], expected);
        assert_eq!(shown["data"]["success_rate"], 1.0);
        let failed = api.get(&format!("/v1/workflows/{workflow}/executions?status=failed")).await.expect(200);
        assert_eq!(failed["pagination"]["total"], 0);
        for script in ours() {
            let path =
                format!("/v1/workflows/{workflow}/executions?limit=100&customer_id={}", script.customer);
            let listed = api.get(&path).await.expect(200);
            let rows = listed["data"].as_array().unwrap();
            let found: Vec<(&str, &str, &str)> = rows
                .iter()
                .rev()
                .map(|row| {
                    let text =
                        |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                    (text("/message_id"), text("/input/message"), text("/output/response"))
                })
                .collect();
            let told: Vec<(&str, &str, &str)> = script
                .turns
                .iter()
                .map(|turn| {
                    (
                        turn.message_id.as_str(),
                        turn.says.as_str(),
                        turn.hears.last().map_or("", String::as_str),
                    )
                })
                .collect();
            assert_eq!(found, told, "{}", script.customer);
        }
    }
}

/// One conversation as its events tell it.
#[derive(Default)]
struct Told {
    by_seq: BTreeMap<u64, (String, String)>,
}

/// Each event once by its id, numbered without a gap; what they tell is what the scripts say.
pub async fn events_are_exact(fleet: &Fleet, scripts: &[Script]) {
    let bus = Bus::connect(&BusConfig::for_url(&fleet.nats.url()), "oracle").await.unwrap();
    let subscription = Subscription::durable(&bus, "oracle", subject::EVENTS_ALL, Begin::All).await.unwrap();
    let expected: usize = scripts.iter().map(events_of).sum();
    let mut ids: HashSet<String> = HashSet::new();
    let mut told: HashMap<String, Told> = HashMap::new();
    let deadline = tokio::time::Instant::now() + testkit::PATIENCE;
    let mut last_read = 0;
    // Beyond the expected number, too: one that was told in vain may be the very last.
    while ids.len() < expected || last_read < bus::events::stream(&bus).await.unwrap().last_seq {
        assert!(tokio::time::Instant::now() < deadline, "{} of {expected} events", ids.len());
        for message in subscription.next_batch(1000, Duration::from_secs(1)).await.unwrap() {
            let events: Vec<Value> = serde_json::from_slice(&message.payload).unwrap();
            for event in events {
                let text = |pointer: &str| {
                    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                let customer = text("/data/customer_id");
                if customer == "warm-up" || !ids.insert(text("/id")) {
                    continue;
                }
                let seq = event["data"]["conversation_seq"].as_u64().unwrap();
                let said = (text("/type"), text("/data/message"));
                let before = told.entry(customer.clone()).or_default().by_seq.insert(seq, said);
                assert_eq!(before, None, "{customer} has two events with number {seq}");
            }
            last_read = last_read.max(message.seq);
            message.ack().await.unwrap();
        }
    }
    assert_eq!(ids.len(), expected);
    assert_eq!(told.len(), scripts.len(), "only the scripts' customers have events");
    for script in scripts {
        let of_customer = &told[&script.customer].by_seq;
        let numbers: Vec<u64> = of_customer.keys().copied().collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{}", script.customer);
        let texts = |kind: &str| -> Vec<&str> {
            of_customer.values().filter(|(known, _)| known == kind).map(|(_, text)| text.as_str()).collect()
        };
        let said: Vec<&str> = script.turns.iter().map(|turn| turn.says.as_str()).collect();
        assert_eq!(texts("message.received"), said, "{}", script.customer);
        let heard: Vec<&str> = script.turns.iter().flat_map(|turn| &turn.hears).map(String::as_str).collect();
        assert_eq!(texts("message.sent"), heard, "{}", script.customer);
    }
}

/// A customer is created once; each turn is received, started, answered and completed; keywords trigger.
fn events_of(script: &Script) -> usize {
    let triggered = if script.survey { script.turns.len().div_ceil(3) } else { script.turns.len() };
    let replies: usize = script.turns.iter().map(|turn| turn.hears.len()).sum();
    1 + script.turns.len() * 3 + triggered + replies
}

/// The roll-ups count what the lists count.
pub async fn numbers_are_exact(fleet: &Fleet, messages: usize) {
    let config = pg::PgConfig::for_url(&fleet.postgres.url());
    let metrics = pg::raw::connect(&config, metrics_aggregator::store::SCHEMA).await.unwrap();
    let expected = i64::try_from(messages).unwrap();
    eventually("all events are counted", || async {
        let row = metrics
            .query_one("SELECT COALESCE(sum(succeeded), 0)::bigint, COALESCE(sum(failed), 0)::bigint, COALESCE(sum(messages_received), 0)::bigint FROM rollups", &[])
            .await
            .unwrap();
        let (succeeded, failed, received): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert!(succeeded <= expected && received <= expected, "{succeeded} and {received} of {expected}");
        (succeeded == expected && failed == 0 && received == expected).then_some(())
    })
    .await;
}
