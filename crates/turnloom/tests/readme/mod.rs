//! What the README shows is what happens: its commands print what it says, its subscribers hear what they should.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod console;
mod mask;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::Product;
use crate::up::{Up, directory, word_after};
use testkit::{Api, workflows};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use turnloom::run_file::RunFile;

const README: &str = include_str!("../../../../README.md");
const RUST_SUBSCRIBER: &str = include_str!("../../../bus/examples/subscribe.rs");
/// Lines that a README may have: who wants to know more finds it elsewhere.
const LINES_MAX: usize = 250;

/// The code blocks in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    README.split(begin.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Where this build's `turnloom` is.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_turnloom")).parent().unwrap()
}

#[test]
fn the_readme_is_short() {
    assert!(README.lines().count() <= LINES_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_prints_what_the_readme_shows() {
    let mut product = Product::start().await;
    let directory = crate::tools::directory("readme tour");
    let path = std::env::join_paths(
        std::iter::once(programs().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .unwrap();
    let settings = [
        ("PATH", path),
        ("TURNLOOM_URL", product.api.base().into()),
        ("TURNLOOM_API_KEY", product.key.clone().into()),
        ("TURNLOOM_NATS_URL", product.nats.url().into()),
        ("TURNLOOM_NATS_MONITOR_URL", product.nats.monitor_url().into()),
        ("TURNLOOM_DATABASE_URL", product.database_url.clone().into()),
    ];

    let told = blocks("console");
    assert!(told.len() >= 4, "the tour has {} stops", told.len());
    for step in told.iter().flat_map(|block| console::steps(block)) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &step.command]).envs(settings.clone()).current_dir(&directory);
        let said = crate::tools::succeed(&mut shell).await;
        if let Some(difference) = console::difference(&step.shows, &said) {
            panic!("$ {}\n{difference}\nIt prints:\n{said}", step.command);
        }
    }
    product.stop().await;
}

/// Runs a subscriber until it has printed so many lines.
async fn heard(mut subscriber: Command, nats_url: &str, lines: usize) -> Vec<String> {
    let mut child = subscriber
        .env("NATS_URL", nats_url)
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = Vec::new();
    while heard.len() < lines {
        let line = tokio::time::timeout(testkit::PATIENCE, printed.next_line()).await;
        heard.push(line.expect("it says something").unwrap().expect("it goes on"));
    }
    child.kill().await.unwrap();
    heard
}

/// A subscriber must print the replies to these customers, and after a restart only the newer ones.
async fn hears_each_reply_once(make: impl Fn() -> Command) {
    // As who has run `make run` meets it: everybody on the bus has to say who he is.
    let data_dir = directory();
    let mut up = Up::start(&data_dir, &[]);
    let said = up.welcome();
    let api = Api::new(word_after(&said, "API      ").trim_end_matches("/v1"), word_after(&said, "API key"));
    let url = RunFile::read(&data_dir).unwrap().nats_url;
    assert!(said.contains(&url), "it says where NATS is");
    api.run(&workflows::greet("Greet", "hello")).await;
    api.say("ann", "hello").await;
    api.say("bob", "hello").await;

    let first = heard(make(), &url, 4).await;
    api.say("cleo", "hello").await;
    let then = heard(make(), &url, 2).await;

    let replies = |customer: &str| {
        ["Hi ", "You said: hello"]
            .map(|text| if text == "Hi " { format!("Hi {customer}") } else { text.to_owned() })
            .map(|text| format!("message.sent {customer} {text}"))
    };
    assert_eq!(first, [replies("ann"), replies("bob")].concat());
    // What was printed and not acknowledged when the first one was killed may come again, late.
    assert_eq!(then, replies("cleo"));
    assert_eq!(up.interrupt(), Some(0));
    std::fs::remove_dir_all(&data_dir).ok();
}

/// A directory with a program of the README in it.
fn with_program(name: &str, program: &str) -> PathBuf {
    let directory = crate::tools::directory(&format!("readme-{}", name.replace('.', "-")));
    std::fs::write(directory.join(name), program).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_subscriber_hears_each_reply_once() {
    let directory = with_program("subscribe.py", blocks("python")[0]);
    hears_each_reply_once(|| {
        let mut program = crate::tools::python(&directory);
        program.arg("subscribe.py");
        program
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_subscriber_hears_each_reply_once() {
    let directory = with_program("subscribe.mjs", blocks("js")[0]);
    hears_each_reply_once(|| crate::tools::node(&directory, directory.join("subscribe.mjs"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_subscriber_hears_each_reply_once() {
    let shown = blocks("rust")[0];
    assert!(RUST_SUBSCRIBER.contains(shown), "crates/bus/examples/subscribe.rs is what runs here");
    let program = programs().join("examples/subscribe");
    hears_each_reply_once(|| Command::new(&program)).await;
}
