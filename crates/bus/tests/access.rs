//! A broker with a user for each service and each subscriber: what each may do, and what it is refused.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{PATIENCE, eventually};
use async_nats::jetstream::consumer::pull;
use async_nats::{Client, ConnectOptions, Event};
use bus::events::{Begin, Subscription};
use bus::publish::Outgoing;
use bus::{Bus, BusConfig, Layout, Topology};
use contracts::access::{Party, Subscriber, inbox, users_conf};
use contracts::subject::{self, catalog, knowledge, metrics, runner};
use flow_model::AccountId;
use futures::StreamExt;
use local_stack::{Nats, USERS_FILE, Users};
use tokio::sync::mpsc;

/// What every user shows in these tests.
const PASSWORD: &str = "p4ssw0rd";

fn broker(subscribers: &[Subscriber]) -> Nats {
    let environment =
        Party::ALL.map(|party| (party.password_variable().to_owned(), PASSWORD.to_owned())).to_vec();
    Nats::start_with(None, Users { conf: users_conf(subscribers), environment }).unwrap()
}

fn subscriber(name: &str, account: &str) -> Subscriber {
    Subscriber::new(name, AccountId::named(account), PASSWORD).unwrap()
}

async fn bus(nats: &Nats, user: &str) -> Result<Bus, bus::Unavailable> {
    let url = nats.url().replace("nats://", &format!("nats://{user}:{PASSWORD}@"));
    Bus::connect(&BusConfig::for_url(&url), "test").await
}

/// A broker with the streams, as a runner makes them.
async fn with_streams(subscribers: &[Subscriber]) -> (Nats, Bus) {
    let nats = broker(subscribers);
    let runner = bus(&nats, Party::Runner.user()).await.unwrap();
    runner.ensure_topology(&Topology::default(), Layout { partitions: 4, groups: 2 }).await.unwrap();
    (nats, runner)
}

/// A user who tries what the product does not, and hears what the broker refuses.
struct Trying {
    client: Client,
    refusals: mpsc::UnboundedReceiver<String>,
}

impl Trying {
    async fn connect(nats: &Nats, user: &str) -> Self {
        let (refused, refusals) = mpsc::unbounded_channel();
        let client = ConnectOptions::with_user_and_password(user.to_owned(), PASSWORD.to_owned())
            .custom_inbox_prefix(inbox(user))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    // The test may be over.
                    refused.send(error.to_string()).ok();
                }
                std::future::ready(())
            })
            .connect(nats.url())
            .await
            .unwrap();
        Self { client, refusals }
    }

    async fn refusal(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.refusals.recv()).await.expect("it is refused").unwrap()
    }

    async fn may_not_say(&mut self, subject: &str) {
        self.client.publish(subject.to_owned(), "{}".into()).await.unwrap();
        self.client.flush().await.unwrap();
        let refusal = self.refusal().await;
        assert!(refusal.to_lowercase().contains("permissions violation for publish"), "{refusal}");
        assert!(refusal.contains(subject), "{refusal}");
    }

    async fn may_not_hear(&mut self, subject: &str) {
        let heard = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.client.flush().await.unwrap();
        let refusal = self.refusal().await;
        assert!(refusal.to_lowercase().contains("permissions violation for subscription"), "{refusal}");
        assert!(refusal.contains(subject), "{refusal}");
        drop(heard);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_refused_what_is_for_others() {
    let (nats, _runner) = with_streams(&[]).await;
    let said: [(Party, &[&str]); 5] = [
        (
            Party::Gateway,
            &[
                "events.a.message.sent",
                "replies.web.1",
                "activities.ai",
                "$KV.definitions.w.1",
                catalog::GET_SECRETS,
                catalog::DEFINITION,
                runner::REPUBLISH,
                runner::ERASE_WORKFLOW,
                metrics::REBUILD,
                "$JS.API.STREAM.PURGE.TURNS",
                "$JS.API.STREAM.DELETE.EVENTS",
                "$JS.API.CONSUMER.CREATE.TURNS",
                "_INBOX.runner.x",
            ],
        ),
        (
            Party::Catalog,
            &[
                "events.a.message.sent",
                runner::GET_EXECUTION,
                "$JS.API.CONSUMER.CREATE.EVENTS",
                "activities.ai",
            ],
        ),
        (
            Party::Runner,
            &[
                "$KV.definitions.w.1",
                catalog::DELETE,
                catalog::PUT_SECRET,
                metrics::ERASE_WORKFLOW,
                "$JS.API.STREAM.DELETE.TURNS",
            ],
        ),
        (
            Party::Metrics,
            &[
                "turns.0",
                "events.a.message.sent",
                knowledge::SEARCH,
                catalog::GET,
                "$JS.API.CONSUMER.CREATE.TURNS",
            ],
        ),
        (
            Party::Operator,
            &[
                "turns.0",
                "events.a.message.sent",
                catalog::GET_SECRETS,
                runner::ERASE_CUSTOMER,
                "$JS.API.STREAM.PURGE.EVENTS",
            ],
        ),
    ];
    for (party, subjects) in said {
        let mut trying = Trying::connect(&nats, party.user()).await;
        for subject in subjects {
            trying.may_not_say(subject).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_what_is_for_others() {
    let (nats, _runner) = with_streams(&[]).await;
    for party in Party::ALL {
        let mut trying = Trying::connect(&nats, party.user()).await;
        let other = if party == Party::Gateway { Party::Runner } else { Party::Gateway };
        let theirs = format!("{}.>", inbox(other.user()));
        for subject in [theirs.as_str(), "turns.*", "events.>", ">"] {
            trying.may_not_hear(subject).await;
        }
        if party != Party::Operator {
            trying.may_not_hear("_INBOX.>").await;
            trying.may_not_hear("_INBOX.*").await;
        }
        // Requests of others, to answer them in another's place.
        let request = if party == Party::Catalog { runner::GET_EXECUTION } else { catalog::CREATE };
        trying.may_not_hear(request).await;
        if party != Party::Gateway {
            trying.may_not_hear("turnloom.answers.x").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_hear_inboxes_of_any_name_but_none_of_a_service() {
    let (nats, _runner) = with_streams(&[]).await;
    let operator = Trying::connect(&nats, Party::Operator.user()).await;
    let mut heard = operator.client.subscribe("_INBOX.>").await.unwrap();
    operator.client.flush().await.unwrap();
    let runner = Trying::connect(&nats, Party::Runner.user()).await;
    for party in [Party::Gateway, Party::Catalog, Party::Metrics, Party::Operator] {
        let inbox = format!("{}.x", inbox(party.user()));
        runner.client.publish(inbox, party.user().into()).await.unwrap();
    }
    runner.client.flush().await.unwrap();
    let first = tokio::time::timeout(PATIENCE, heard.next()).await.expect("it hears something").unwrap();
    assert_eq!(&*first.payload, Party::Operator.user().as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nobody_is_refused() {
    let (nats, _runner) = with_streams(&[]).await;
    assert!(Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.is_err());
    assert!(bus(&nats, "nobody").await.is_err());
    let wrong = nats.url().replace("nats://", "nats://runner:wrong@");
    assert!(Bus::connect(&BusConfig::for_url(&wrong), "test").await.is_err());
}

fn event(account: &str, text: &str) -> Outgoing {
    Outgoing {
        subject: subject::events(AccountId::named(account), "message.sent"),
        headers: Vec::new(),
        payload: text.to_owned().into(),
    }
}

/// What a subscriber hears of its account.
async fn heard(nats: &Nats, of: &Subscriber, at_least: usize) -> Vec<String> {
    let bus = bus(nats, &of.user()).await.unwrap();
    let filter = subject::events(of.account, ">");
    let subscription = Subscription::durable(&bus, &of.user(), &filter, Begin::All).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < at_least {
        for message in subscription.next_batch(10, Duration::from_secs(1)).await.unwrap() {
            heard.push(String::from_utf8(message.payload.to_vec()).unwrap());
            message.ack().await.unwrap();
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_hears_the_events_of_its_account_only() {
    let (acme, umbrella) = (subscriber("crm", "acme"), subscriber("crm", "umbrella"));
    let (nats, runner) = with_streams(&[acme.clone(), umbrella.clone()]).await;
    runner.publish_all(&[event("acme", "a1"), event("umbrella", "u1"), event("acme", "a2")]).await.unwrap();
    assert_eq!(heard(&nats, &acme, 2).await, ["a1", "a2"]);
    assert_eq!(heard(&nats, &umbrella, 1).await, ["u1"]);
    // And goes on where it was.
    runner.publish_all(&[event("umbrella", "u2"), event("acme", "a3")]).await.unwrap();
    assert_eq!(heard(&nats, &acme, 1).await, ["a3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_refused_everything_else() {
    let (acme, umbrella) = (subscriber("crm", "acme"), subscriber("crm", "umbrella"));
    let (nats, _runner) = with_streams(&[acme.clone(), umbrella.clone()]).await;
    heard(&nats, &umbrella, 0).await;
    let (own, other) = (acme.user(), umbrella.user());
    let others = subject::events(umbrella.account, ">");
    let mut trying = Trying::connect(&nats, &own).await;
    for request in [
        format!("CONSUMER.CREATE.EVENTS.{own}.{others}"),
        format!("CONSUMER.CREATE.EVENTS.{own}.events.>"),
        format!("CONSUMER.CREATE.EVENTS.{own}.events.*.message.sent"),
        format!("CONSUMER.CREATE.EVENTS.{own}"),
        format!("CONSUMER.CREATE.EVENTS.{other}.{}", subject::events(acme.account, ">")),
        "CONSUMER.CREATE.EVENTS".to_owned(),
        format!("CONSUMER.DURABLE.CREATE.EVENTS.{own}"),
        format!("CONSUMER.MSG.NEXT.EVENTS.{other}"),
        format!("CONSUMER.INFO.EVENTS.{other}"),
        "CONSUMER.NAMES.EVENTS".to_owned(),
        "STREAM.INFO.EVENTS".to_owned(),
        "STREAM.MSG.GET.EVENTS".to_owned(),
        "STREAM.CREATE.MINE".to_owned(),
    ] {
        trying.may_not_say(&format!("$JS.API.{request}")).await;
    }
    for subject in ["turns.0", "$JS.ACK.EVENTS.x.1.1.1.1.1", runner::GET_EXECUTION] {
        trying.may_not_say(subject).await;
    }
    trying.may_not_say(&subject::events(acme.account, "message.sent")).await;
    for subject in ["events.>", "_INBOX.>", "$JS.>"] {
        trying.may_not_hear(subject).await;
    }
    trying.may_not_hear(&subject::events(acme.account, ">")).await;
    trying.may_not_hear(&format!("{}.>", inbox(&other))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_that_counts_is_the_one_that_is_checked() {
    let (acme, umbrella) = (subscriber("crm", "acme"), subscriber("crm", "umbrella"));
    let (nats, runner) = with_streams(std::slice::from_ref(&acme)).await;
    runner.publish_all(&[event("umbrella", "u1")]).await.unwrap();
    let trying = Trying::connect(&nats, &acme.user()).await;
    let jetstream = async_nats::jetstream::new(trying.client.clone());
    let (own, others) = (subject::events(acme.account, ">"), subject::events(umbrella.account, ">"));
    // The subject says one thing, the request another.
    let asked = format!("CONSUMER.CREATE.EVENTS.{}.{own}", acme.user());
    let filters = [
        serde_json::json!({"filter_subject": others}),
        serde_json::json!({"filter_subjects": [own, others]}),
        serde_json::json!({"filter_subjects": [others]}),
        serde_json::json!({}),
    ];
    for filter in filters {
        let mut config =
            serde_json::json!({"name": acme.user(), "durable_name": acme.user(), "ack_policy": "explicit"});
        config.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        let request = serde_json::json!({"stream_name": "EVENTS", "config": config});
        let answer: serde_json::Value = jetstream.request(asked.clone(), &request).await.unwrap();
        assert!(answer.get("error").is_some(), "{filter}: {answer}");
    }
    // None of them has made one.
    let stream = jetstream.get_stream_no_info("EVENTS").await.unwrap();
    assert!(stream.get_consumer::<pull::Config>(&acme.user()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_come_and_go_while_the_broker_runs() {
    let acme = subscriber("crm", "acme");
    let (nats, runner) = with_streams(&[]).await;
    runner.publish_all(&[event("acme", "a1")]).await.unwrap();
    assert!(bus(&nats, &acme.user()).await.is_err());
    let file = nats.directory().join(USERS_FILE);
    std::fs::write(&file, users_conf(std::slice::from_ref(&acme))).unwrap();
    nats.reload();
    eventually("the subscriber is let in", || async { bus(&nats, &acme.user()).await.is_ok() }).await;
    assert_eq!(heard(&nats, &acme, 1).await, ["a1"]);
    runner.check().await.unwrap();

    let staying = bus(&nats, &acme.user()).await.unwrap();
    let before = staying.connection_no();
    std::fs::write(&file, users_conf(&[])).unwrap();
    nats.reload();
    eventually("the subscriber is sent away", || async {
        bus(&nats, &acme.user()).await.is_err()
            && staying.connection_no() == before
            && !staying.is_connected()
    })
    .await;
    runner.check().await.unwrap();
}
