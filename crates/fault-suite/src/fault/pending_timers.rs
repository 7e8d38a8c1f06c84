//! R18: a million timers wait for later, and a backlog is handled as fast as without them.
//!
//! Paired: the backlog of R12, smaller, with and without them, three times each after a first one, in one run and in an order that lets
//! what makes the machine slower in the course of it make both slower. The timers are rows of conversations that are not played
//! otherwise, and that are there in both cases: a table with a million more rows in it is not what is measured.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use super::backlog;
use super::slow_model::ratio;
use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::Said;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Timers that wait: in the short form, and otherwise.
const TIMERS: [i64; 2] = [100_000, 1_000_000];
/// As many rows are written at once.
const ROWS: usize = 100_000;
/// Messages of each customer in one backlog: in the short form, and otherwise.
const TURNS: [usize; 2] = [10, 25];
/// What takes so much longer is shown as missed, hundredths.
const TARGET_PERCENT: u128 = 105;
/// Backlogs that are measured in each case.
const MEASURED: u128 = 3;
/// What is handled first is not measured: runners start, and take their partitions.
const UNMEASURED: usize = 5_000;

/// Conversations that wait for a time, of an account that nobody has, from one number to another.
const CONVERSATIONS: &str = "INSERT INTO runner.conversations (id, partition, account_id, channel, customer_id, seq, wait_no,
    updated_at, wait_workflow_id, wait_revision, wait_started_state_no, wait_node_id, wait_state, wait_until, wait_on, wait_since,
    wait_timer_at, created_at)
SELECT md5('pending ' || n)::uuid, (n % (SELECT count(*) FROM runner.partitions))::int, md5('account')::uuid, 4, 'pending-' || n,
    4, 1, now(), md5('workflow')::uuid, 1, 1, 'delay', decode(repeat('7b', 100), 'hex'), '9999-12-31', 1, now(),
    now() + interval '30 days' + n * interval '1 second', now()
FROM generate_series($1::bigint, $2::bigint) AS n";

/// Their timers.
const TIMERS_OF_THESE: &str = "INSERT INTO runner.timers (conversation_id, wait_no, partition, due_at)
SELECT waiting.id, waiting.wait_no, waiting.partition, waiting.wait_timer_at FROM generate_series($1::bigint, $2::bigint) AS n
JOIN runner.conversations AS waiting ON waiting.id = md5('pending ' || n)::uuid";

const PENDING: &str = "SELECT count(*) FROM runner.timers WHERE due_at > now() + interval '1 day'";

const NONE_PENDING: &str = "DELETE FROM runner.timers";
const NO_CONVERSATIONS: &str = "DELETE FROM runner.conversations WHERE customer_id LIKE 'pending-%'";

/// Otherwise the database would do it while something is measured.
const SETTLE: [&str; 2] = ["VACUUM (ANALYZE)", "CHECKPOINT"];

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings::default();
    let mut scene = Scene::open(stage, &settings).await?;
    let ([short_timers, usual_timers], [short_turns, usual_turns]) = (TIMERS, TURNS);
    let (timers, turns) =
        if stage.plan.short { (short_timers, short_turns) } else { (usual_timers, usual_turns) };
    let mut drains = Drains { turns, said: Said::default(), alone: Duration::ZERO, beside: Duration::ZERO };
    by_rows(&scene.database().await?, CONVERSATIONS, timers).await?;
    let first = stage.seed.is_multiple_of(2);
    // The first is not measured: the tables are empty, and nobody has seen a customer.
    for pending in [None, Some(first), Some(!first), Some(!first), Some(first), Some(first), Some(!first)] {
        for n in 0..settings.runners {
            scene.fleet.end(Part::Runner(n)).await?;
        }
        make_pending(&mut scene, if pending == Some(true) { timers } else { 0 }).await?;
        drains.write(&scene).await?;
        let client = scene.database().await?;
        for statement in SETTLE {
            client.batch_execute(statement).await?;
        }
        for n in 0..settings.runners {
            scene.fleet.begin(Part::Runner(n))?;
        }
        drains.measure(&scene, pending).await?;
    }
    make_pending(&mut scene, 0).await?;
    scene.database().await?.batch_execute(NO_CONVERSATIONS).await?;
    let measured = MEASURED * (turns * backlog::CUSTOMERS - UNMEASURED) as u128;
    let per_second = |took: Duration| measured * 1000 / took.as_millis().max(1);
    let slower = drains.beside.as_millis() * 100 / drains.alone.as_millis().max(1);
    scene.row.note(format!(
        "handled at {}/s alone, at {}/s beside {timers} timers: {} as long (target {})",
        per_second(drains.alone),
        per_second(drains.beside),
        ratio(slower),
        ratio(TARGET_PERCENT)
    ));
    scene.close(&drains.said).await
}

/// The backlogs, and how long they took.
struct Drains {
    turns: usize,
    said: Said,
    alone: Duration,
    beside: Duration,
}

impl Drains {
    /// The next backlog is written while no runner runs.
    async fn write(&mut self, scene: &Scene) -> Result<(), Failure> {
        let spoken = self.said.spoken.first().map_or(0, |spoken| spoken.turns);
        self.said.spoken = backlog::write(scene, spoken..spoken + self.turns).await?;
        Ok(())
    }

    /// The runners have been started, and handle it: beside timers or alone, or for the first time.
    async fn measure(&mut self, scene: &Scene, pending: Option<bool>) -> Result<(), Failure> {
        let messages = self.turns * backlog::CUSTOMERS;
        scene.handled(self.said.messages() - messages + UNMEASURED).await?;
        let begun = Instant::now();
        scene.handled(self.said.messages()).await?;
        let took = begun.elapsed();
        let case = match pending {
            None => "for the first time",
            Some(false) => "alone",
            Some(true) => "beside the timers",
        };
        match pending {
            None => {}
            Some(false) => self.alone += took,
            Some(true) => self.beside += took,
        }
        scene.stage.say(&format!("{messages} messages {case}: {:.2} s", took.as_secs_f64()));
        Ok(())
    }
}

/// Makes so many timers wait: all, or none. Those that are there must be as they were made.
async fn make_pending(scene: &mut Scene, wanted: i64) -> Result<(), Failure> {
    let client = scene.database().await?;
    let there = count_pending(&client).await?;
    scene.row.must(there == 0 || wanted == 0 || there == wanted, || {
        format!("I1: {there} timers wait, not {wanted}")
    });
    if there == wanted {
        return Ok(());
    }
    scene.stage.say(&format!("{wanted} timers instead of {there}"));
    if wanted == 0 {
        client.batch_execute(NONE_PENDING).await?;
        return Ok(());
    }
    by_rows(&client, TIMERS_OF_THESE, wanted).await
}

/// Makes so many rows with a statement that makes those of some numbers.
async fn by_rows(client: &Client, statement: &str, wanted: i64) -> Result<(), Failure> {
    for from in (1..=wanted).step_by(ROWS) {
        let to = from + i64::try_from(ROWS).unwrap_or(0) - 1;
        client.execute(statement, &[&from, &to]).await?;
    }
    Ok(())
}

async fn count_pending(client: &Client) -> Result<i64, Failure> {
    Ok(client.query_one(PENDING, &[]).await?.get(0))
}
