//! On the bus of `turnloom up` everybody is a user who may do what he needs, and the product works.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use bus::events::{Begin, Subscription};
use bus::{Bus, BusConfig};
use serde_json::Value;
use testkit::{Api, eventually, workflows};
use turnloom::run_file::RunFile;

use super::{Up, directory, word_after};

/// A command against what runs there.
fn told(data_dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_turnloom"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn connect(address: &str, user: &str, password: &str) -> Result<Bus, bus::Unavailable> {
    let url = format!("nats://{user}:{password}@{address}");
    Bus::connect(&BusConfig::for_url(&url), "test").await
}

/// The replies in the next events of a subscription.
async fn replies(subscription: &Subscription, at_least: usize) -> Vec<String> {
    let mut replies = Vec::new();
    while replies.len() < at_least {
        for message in subscription.next_batch(10, Duration::from_secs(1)).await.unwrap() {
            let events: Vec<Value> = serde_json::from_slice(&message.payload).unwrap();
            replies.extend(
                events.iter().map(|event| event["data"]["message"].as_str().unwrap_or_default().to_owned()),
            );
            message.ack().await.unwrap();
        }
    }
    replies
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_read_their_account_and_operators_do_their_work() {
    let data_dir = directory();
    let mut up = Up::start(&data_dir, &[]);
    let said = up.welcome();
    let api = Api::new(word_after(&said, "API      ").trim_end_matches("/v1"), word_after(&said, "API key"));
    let workflow = api.run(&workflows::greet("Greet", "hello")).await;
    api.say("ann", "hello").await;

    let run = RunFile::read(&data_dir).unwrap();
    let address = run.nats_url.rsplit('@').next().unwrap().to_owned();
    let nobody = format!("nats://{address}");
    assert!(
        Bus::connect(&BusConfig::for_url(&nobody), "test").await.is_err(),
        "everybody has to say who he is"
    );

    let made = json(&told(&data_dir, &["subscribers", "create", "crm", "--json"]));
    let (user, password) = (made["user"].as_str().unwrap(), made["password"].as_str().unwrap());
    let bus =
        eventually("the broker knows it", || async { connect(&address, user, password).await.ok() }).await;
    let filter = made["filter"].as_str().unwrap().replace('>', "message.sent");
    let subscription = Subscription::durable(&bus, user, &filter, Begin::All).await.unwrap();
    assert_eq!(replies(&subscription, 2).await, ["Hi ann", "You said: hello"]);

    for work in [
        &["retention", "--json"][..],
        &["runners", "--json"],
        &["metrics", "rebuild", &workflow, "--json"],
        &["republish", "--help"],
        &["doctor"],
        &["subscribers", "list"],
    ] {
        let done = told(&data_dir, work);
        assert!(done.status.success(), "{work:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    // They are kept with the data; services get new passwords.
    assert_eq!(up.interrupt(), Some(0));
    let mut up = Up::start(&data_dir, &[]);
    up.welcome();
    let again = RunFile::read(&data_dir).unwrap();
    assert_ne!(run.nats_url.split('@').next(), again.nats_url.split('@').next());
    let address = again.nats_url.rsplit('@').next().unwrap().to_owned();
    connect(&address, user, password).await.unwrap();
    assert!(told(&data_dir, &["subscribers", "revoke", "crm"]).status.success());
    eventually("the broker has forgotten it", || async {
        connect(&address, user, password).await.is_err().then_some(())
    })
    .await;
    assert_eq!(up.interrupt(), Some(0));
    std::fs::remove_dir_all(&data_dir).ok();
}
