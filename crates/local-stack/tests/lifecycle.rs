//! The servers start, keep their data, and never outlive the process that they serve.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use local_stack::{Nats, Postgres};
use tokio_postgres::NoTls;

/// Long enough for any machine; a hang ends here.
const DEADLINE: Duration = Duration::from_mins(1);

async fn query(url: &str, statement: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let answer = client.simple_query(statement).await.unwrap();
    driver.abort();
    answer
}

fn value(answer: &[tokio_postgres::SimpleQueryMessage]) -> Option<String> {
    answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_its_data_over_a_kill_and_a_new_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut postgres = Postgres::start(directory.path()).unwrap();
    query(&postgres.url(), "CREATE TABLE kept AS SELECT 7 AS n").await;
    postgres.kill();
    postgres.start_again().unwrap();
    assert_eq!(value(&query(&postgres.url(), "SELECT n FROM kept").await).as_deref(), Some("7"));
    drop(postgres);
    let postgres = Postgres::start(directory.path()).unwrap();
    assert_eq!(value(&query(&postgres.url(), "SELECT n FROM kept").await).as_deref(), Some("7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_set_up_for_keeping_what_it_acknowledges() {
    let postgres = Postgres::ephemeral().unwrap();
    for (setting, expected) in [("data_checksums", "on"), ("fsync", "on"), ("synchronous_commit", "on")] {
        let answer = query(&postgres.url(), &format!("SHOW {setting}")).await;
        assert_eq!(value(&answer).as_deref(), Some(expected), "{setting}");
    }
}

#[test]
fn nats_comes_back_on_the_same_port_after_a_kill() {
    let mut nats = Nats::ephemeral().unwrap();
    let (url, pid) = (nats.url(), nats.pid());
    nats.kill();
    nats.start_again().unwrap();
    assert_eq!(nats.url(), url);
    assert_ne!(nats.pid(), pid);
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn a_parent_with_servers() {
    if std::env::var_os("TURNLOOM_TEST_PARENT").is_none() {
        return;
    }
    let postgres = Postgres::ephemeral().unwrap();
    let nats = Nats::ephemeral().unwrap();
    println!("\nservers {} {}", postgres.pid().unwrap(), nats.pid().unwrap());
    // Ends when the killer does.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn servers_end_when_their_parent_is_killed() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["a_parent_with_servers", "--exact", "--nocapture"])
        .env("TURNLOOM_TEST_PARENT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("servers ")).unwrap();
    let pids: Vec<u32> = line.split(' ').skip(1).map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_running(*pid)), "{pids:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    let deadline = Instant::now() + DEADLINE;
    while pids.iter().any(|pid| is_running(*pid)) {
        assert!(Instant::now() < deadline, "still there: {pids:?}");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_test_has_a_database_of_its_own_from_a_prepared_template() {
    let prepare = |url: String| async move {
        query(&url, "CREATE TABLE prepared AS SELECT 1 AS n").await;
    };
    let one = local_stack::testing::TestDatabase::create("lifecycle", prepare).await.unwrap();
    let two = local_stack::testing::TestDatabase::create("lifecycle", prepare).await.unwrap();
    query(one.url(), "INSERT INTO prepared VALUES (2)").await;
    assert_eq!(value(&query(one.url(), "SELECT count(*) FROM prepared").await).as_deref(), Some("2"));
    assert_eq!(value(&query(two.url(), "SELECT count(*) FROM prepared").await).as_deref(), Some("1"));
}
