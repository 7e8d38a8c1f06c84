//! `turnloom up` as a person meets it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod collector;
mod planted;
mod users;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use collector::Collector;
use testkit::{Api, eventually, workflows};
use turnloom::run_file::RunFile;

const PATIENCE: Duration = Duration::from_mins(1);

pub struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Up {
    pub fn start(data_dir: &Path, more: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_turnloom"))
            .args(["up", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// What it says when it is ready, up to the last line.
    pub fn welcome(&mut self) -> String {
        let mut said = String::new();
        let stdout = self.0.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !said.contains("Ctrl-C stops everything.") {
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "it ended early: {said}");
            said.push(char::from(byte[0]));
        }
        said
    }

    /// Ctrl-C, and its exit code.
    pub fn interrupt(mut self) -> Option<i32> {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not stop");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The word after `label` in what was said.
pub fn word_after<'a>(said: &'a str, label: &str) -> &'a str {
    said.split(label).nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap()
}

pub fn directory() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("turnloom-up-{}", platform::clock::new_uuid_v4()));
    fs::create_dir_all(&path).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_there_after_ctrl_c_and_a_new_start() {
    let data_dir = directory();
    let mut up = Up::start(&data_dir, &[]);
    let said = up.welcome();
    let key = word_after(&said, "API key").to_owned();
    let api = Api::new(word_after(&said, "API      ").trim_end_matches("/v1"), &key);
    let kept = fs::read_to_string(data_dir.join("api-key")).unwrap();
    assert_eq!(kept.trim(), key);
    assert_eq!(fs::metadata(data_dir.join("api-key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(said.contains("curl -s"), "{said}");
    let workflow = api.run(&workflows::greet("Greet", "hello")).await;
    let run = RunFile::read(&data_dir).unwrap();
    assert_eq!(up.interrupt(), Some(0));
    assert!(RunFile::read(&data_dir).is_err(), "nothing runs any more");
    for url in [run.nats_url, run.database_url] {
        let port = url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
        assert!(std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err(), "{url} still answers");
    }

    let mut up = Up::start(&data_dir, &[]);
    let said = up.welcome();
    assert_eq!(word_after(&said, "API key"), key);
    let api = Api::new(word_after(&said, "API      ").trim_end_matches("/v1"), &key);
    let answer = eventually("the workflow still runs", || async {
        let answer = api.say("ann", "hello").await;
        answer.pointer("/execution/workflow_id").is_some_and(|id| *id == workflow.as_str()).then_some(answer)
    })
    .await;
    assert_eq!(answer.pointer("/execution/status").unwrap(), "success");
    let told = Command::new(env!("CARGO_BIN_EXE_turnloom"))
        .args(["events", "--json", "--limit", "2", "--type", "message.sent", "--data-dir"])
        .arg(&data_dir)
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.lines().next().unwrap().contains("\"message\":\"Hi ann\""), "{told}");
    assert_eq!(up.interrupt(), Some(0));
    fs::remove_dir_all(&data_dir).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_turn_are_one_trace() {
    let collector = Collector::start();
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let data_dir = directory();
    let mut up = Up::start(&data_dir, &["--ephemeral", "--otlp-endpoint", &endpoint]);
    let said = up.welcome();
    let api = Api::new(word_after(&said, "API      ").trim_end_matches("/v1"), word_after(&said, "API key"));
    api.run(&workflows::greet("Greet", "hello")).await;
    let trace = platform::clock::new_uuid_v4();
    let body = serde_json::json!({"customer_id": "ann", "channel": "web", "message": "hello"});
    let request = api
        .request(reqwest::Method::POST, "/v1/messages")
        .header("prefer", "wait=30")
        .header("traceparent", format!("00-{}-00f067aa0ba902b7-01", trace.simple()))
        .json(&body);
    api.send(request).await.expect(200);
    // What is left is exported when it stops.
    assert_eq!(up.interrupt(), Some(0));

    let names = collector.spans_of(trace.as_bytes());
    for name in ["request", "turn"] {
        assert!(names.iter().any(|known| known == name), "no span {name} of this trace: {names:?}");
    }
    fs::remove_dir_all(&data_dir).ok();
}
