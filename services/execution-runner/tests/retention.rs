//! What is over its time goes, by the slice and with its counters, and nobody waits for that.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{KEPT_FOR_EVER, PARTITIONS, PATIENCE, Stack, eventually, greet, workflow};
use bus::rpc::CallError;
use chrono::{DateTime, Utc};
use clap::Parser;
use contracts::{ErrorCode, subject, v1};
use execution_runner::store::Kept;
use execution_runner::{App, Config};
use flow_model::{ExecutionId, WorkflowId};
use futures::future::join_all;
use platform::health::Health;
use platform::keep::Keep;
use uuid::Uuid;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const SLICE_MS: i64 = 30 * DAY_MS;
/// Slices that have executions, back from this one.
const SLICES: i64 = 5;
/// Executions of a slice.
const A_SLICE: u64 = 1000;
/// All of them.
const ALL: u64 = 5 * A_SLICE;
/// They are kept so long in these tests.
const KEPT_DAYS: u32 = 40;
/// Others come through meanwhile in a fraction of this.
const SOON: Duration = Duration::from_secs(5);

/// As the runner would have committed them: every 43 minutes of a slice, ids by their start.
const ROWS: &str = "INSERT INTO executions SELECT overlay(gen_random_uuid()::text placing
        lpad(to_hex(at_ms >> 16), 8, '0') || '-' || lpad(to_hex(at_ms & 65535), 4, '0') || '-7' from 1 for 15)::uuid,
        $1, $2, 1, md5('c' || n)::uuid, 'c' || n, 4, 2 + n % 2, to_timestamp(at_ms / 1000), to_timestamp(at_ms / 1000), n % $4::int, ''
    FROM (SELECT n, $3::bigint + n::bigint * 2592000 AS at_ms FROM generate_series(0, $5::int - 1) AS n) AS numbers";
const COUNTERS: &str = "INSERT INTO counters SELECT workflow_id, to_timestamp(floor(extract(epoch FROM started_at) / 3600 / hours) * 3600 * hours),
    channel, status, partition, count(*), hours
    FROM executions, (VALUES (1), (720)) AS counted (hours) WHERE workflow_id = $1 GROUP BY 1, 2, 3, 4, 5, 7";

/// The slice of now, counted from the epoch.
fn this() -> i64 {
    slice_of(platform::clock::now_ms())
}

fn slice_of(ms: i64) -> i64 {
    ms.div_euclid(SLICE_MS)
}

/// The oldest one that has something which is not over its time.
fn first_kept() -> i64 {
    slice_of(platform::clock::now_ms() - i64::from(KEPT_DAYS) * DAY_MS)
}

/// Executions that are left of those that were filled in.
fn left() -> u64 {
    u64::try_from(this() - first_kept() + 1).unwrap() * A_SLICE
}

fn kept(days: u32) -> Kept {
    Kept { executions: Keep::days(days), ..KEPT_FOR_EVER }
}

/// Months of executions, some every day.
async fn fill(stack: &Stack, workflow: WorkflowId) {
    let sql = stack.sql().await;
    for slice in this() - SLICES + 1..=this() {
        let make = format!(
            "CREATE TABLE IF NOT EXISTS executions_{slice} PARTITION OF executions
             FOR VALUES FROM (to_timestamp({})) TO (to_timestamp({}))",
            slice * SLICE_MS / 1000,
            (slice + 1) * SLICE_MS / 1000
        );
        sql.batch_execute(&make).await.unwrap();
        let (account, id) = (*stack.account.as_uuid(), *workflow.as_uuid());
        let partitions = i32::try_from(PARTITIONS).unwrap();
        let rows = i32::try_from(A_SLICE).unwrap();
        sql.execute(ROWS, &[&account, &id, &(slice * SLICE_MS), &partitions, &rows]).await.unwrap();
    }
    sql.execute(COUNTERS, &[workflow.as_uuid()]).await.unwrap();
}

/// The slices of executions that there are, by number.
async fn slices(stack: &Stack) -> Vec<i64> {
    let rows = stack
        .sql()
        .await
        .query(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'executions'::regclass",
            &[],
        )
        .await
        .unwrap();
    let mut slices: Vec<i64> =
        rows.iter().map(|row| row.get::<_, &str>(0).rsplit('_').next().unwrap().parse().unwrap()).collect();
    slices.sort_unstable();
    slices
}

/// All rows of a list, page after page, and the total that each of them told.
async fn walk(stack: &Stack, list: &v1::ListExecutionsRequest) -> Vec<v1::Execution> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = stack.list(v1::ListExecutionsRequest { cursor, ..list.clone() }).await;
        rows.extend(page.executions);
        if page.next_cursor.is_empty() {
            assert_eq!(rows.len() as u64, page.total, "the total is what there is");
            return rows;
        }
        cursor = page.next_cursor;
    }
}

async fn totals(stack: &Stack, workflow: WorkflowId) -> u64 {
    let request = v1::WorkflowTotalsRequest {
        account_id: stack.account.to_vec().into(),
        workflow_ids: vec![workflow.to_vec().into()],
    };
    let found: v1::WorkflowTotalsResponse = stack.call(subject::runner::WORKFLOW_TOTALS, &request).await;
    found.totals.iter().map(|totals| totals.succeeded + totals.failed + totals.running).sum()
}

async fn get(stack: &Stack, workflow: WorkflowId, id: &[u8]) -> Result<v1::Execution, CallError> {
    let request = v1::GetExecutionRequest {
        account_id: stack.account.to_vec().into(),
        workflow_id: workflow.to_vec().into(),
        execution_id: id.to_vec().into(),
    };
    stack.bus.rpc().call(subject::runner::GET_EXECUTION, &request, PATIENCE).await
}

fn is_not_found(found: Result<v1::Execution, CallError>) -> bool {
    matches!(found, Err(CallError::Refused(failure)) if failure.error_code() == ErrorCode::ExecutionNotFound)
}

#[tokio::test(flavor = "multi_thread")]
async fn months_of_executions_go_when_they_are_over_their_time_and_lists_totals_and_details_agree() {
    let stack = Stack::start().await;
    let workflow = workflow();
    fill(&stack, workflow).await;
    let runner = stack.runner("one").await;
    let list = v1::ListExecutionsRequest { limit: 100, ..stack.list_of(workflow) };
    let before = walk(&stack, &list).await;
    assert_eq!(before.len() as u64, ALL);
    // One that still runs is older than everything.
    let old = "INSERT INTO running_executions (id, account_id, workflow_id, revision, conversation_id, customer_id, channel, started_at,
        partition, record) VALUES ($1, $2, $3, 1, $1, 'ann', 4, now() - interval '300 days', 0, '')";
    let running = Uuid::from_u128(7);
    stack.sql().await.execute(old, &[&running, stack.account.as_uuid(), workflow.as_uuid()]).await.unwrap();

    stack.maintenance(kept(KEPT_DAYS)).run_once(platform::clock::now_ms()).await.unwrap();

    let first = first_kept();
    assert_eq!(slices(&stack).await, (first..=this() + 2).collect::<Vec<_>>());
    let after = walk(&stack, &list).await;
    let is_kept = |row: &&v1::Execution| row.started_at_ms >= first * SLICE_MS;
    let ids = |rows: &[v1::Execution]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    let expected: Vec<_> = before.iter().filter(is_kept).map(|row| row.id.clone()).collect();
    assert_eq!(ids(&after[..after.len() - 1]), expected);
    assert_eq!(after.last().unwrap().id, running.as_bytes().as_slice(), "what runs is still there");
    assert_eq!(totals(&stack, workflow).await, after.len() as u64);
    // Pages that are found by counters, spans that begin before what is kept, in the middle of an hour, or end before.
    for (page, limit) in [(2, 700), (15, 100), (17, 100)] {
        let found = stack.list(v1::ListExecutionsRequest { page, limit, ..list.clone() }).await;
        let from = ((page - 1) * limit.min(100)) as usize;
        let here: Vec<_> = after.iter().skip(from).take(100).cloned().collect();
        assert_eq!(ids(&found.executions), ids(&here), "page {page}");
    }
    let begun = first * SLICE_MS;
    for (start, end) in
        [(begun - 10 * DAY_MS, begun + 5 * DAY_MS + 77_000), (begun + 1_900_000, begun + 4_000_000)]
    {
        let span =
            v1::ListExecutionsRequest { start_at_ms: Some(start), end_at_ms: Some(end), ..list.clone() };
        let inside = after.iter().filter(|row| (start..=end).contains(&row.started_at_ms)).count();
        assert_eq!(walk(&stack, &span).await.len(), inside);
    }
    let gone = v1::ListExecutionsRequest { end_at_ms: Some(begun - 1), ..list.clone() };
    assert_eq!(walk(&stack, &gone).await.len(), 1, "but for the one that runs");

    let dropped = before.iter().find(|row| !is_kept(row)).unwrap();
    assert!(is_not_found(get(&stack, workflow, &dropped.id).await));
    assert!(get(&stack, workflow, &after[0].id).await.is_ok());
    assert!(get(&stack, workflow, running.as_bytes()).await.is_ok());
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_that_a_long_reading_holds_up_stalls_nobody_and_happens_later() {
    let stack = Stack::start().await;
    let (old, live) = (workflow(), workflow());
    fill(&stack, old).await;
    let runner = stack.runner("one").await;
    stack.activate(live, &greet()).await;
    stack.say("ann", "m-0", "hello").await;
    // As a dump does.
    let reading = stack.sql().await;
    let read = "BEGIN; SET idle_in_transaction_session_timeout = 0; SELECT count(*) FROM executions";
    reading.batch_execute(read).await.unwrap();
    let before = slices(&stack).await;

    let maintenance = stack.maintenance(kept(KEPT_DAYS));
    let rounds = async {
        for _ in 0..20 {
            maintenance.run_once(platform::clock::now_ms()).await.unwrap();
        }
    };
    let others = async {
        for number in 1..=20 {
            let id = format!("m-{number}");
            let said = tokio::time::timeout(SOON, stack.say("ann", &id, "hello"));
            assert!(said.await.expect("a turn is committed meanwhile").execution.is_some());
            let listed = tokio::time::timeout(SOON, stack.list(stack.list_of(old)));
            assert_eq!(listed.await.expect("it is read meanwhile").total, ALL);
        }
    };
    futures::join!(rounds, others);

    assert_eq!(slices(&stack).await, before, "nothing could be dropped");
    assert_eq!(totals(&stack, old).await, ALL);
    // Slices for the time to come are made meanwhile, too.
    let later = platform::clock::now_ms() + 3 * SLICE_MS;
    let making = stack.maintenance(KEPT_FOR_EVER);
    tokio::time::timeout(SOON, making.run_once(later)).await.expect("a slice is made meanwhile").unwrap();
    assert_eq!(slices(&stack).await.last(), Some(&(this() + 5)));

    reading.batch_execute("COMMIT").await.unwrap();
    maintenance.run_once(platform::clock::now_ms()).await.unwrap();
    assert_eq!(slices(&stack).await[0], first_kept());
    assert_eq!(totals(&stack, old).await, left());
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_runners_that_drop_at_once_drop_each_slice_once() {
    let stack = Stack::start().await;
    let workflow = workflow();
    fill(&stack, workflow).await;
    let runner = stack.runner("one").await;
    let list = v1::ListExecutionsRequest { limit: 100, ..stack.list_of(workflow) };
    let maintenance = stack.maintenance(kept(KEPT_DAYS));

    let all = join_all((0..4).map(|_| maintenance.run_once(platform::clock::now_ms())));
    let reading = async {
        // Whenever it is looked, the total is what can be paged through.
        for _ in 0..10 {
            walk_while_it_shrinks(&stack, &list).await;
        }
    };
    let (ended, ()) = futures::join!(all, reading);
    ended.into_iter().for_each(Result::unwrap);
    maintenance.run_once(platform::clock::now_ms()).await.unwrap();

    assert_eq!(slices(&stack).await[0], first_kept());
    assert_eq!(walk(&stack, &list).await.len() as u64, left());
    runner.stop().await;
}

/// The last page is as long as the total says, whatever was dropped up to its snapshot.
async fn walk_while_it_shrinks(stack: &Stack, list: &v1::ListExecutionsRequest) {
    let total = stack.list(list.clone()).await.total;
    for page in [total / 100 / 2, total / 100] {
        let page = u32::try_from(page).unwrap();
        let found = stack.list(v1::ListExecutionsRequest { page, ..list.clone() }).await;
        let left = found.total.saturating_sub(u64::from(page - 1) * 100).min(100);
        assert_eq!(found.executions.len() as u64, left, "page {page} of {}", found.total);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_from_a_time_that_is_gone_is_handled_counted_and_goes_with_the_next_round() {
    let stack = Stack::start().await;
    let workflow = workflow();
    let runner = stack.runner("one").await;
    stack.activate(workflow, &greet()).await;
    let accepted_ms = platform::clock::now_ms() - 100 * DAY_MS;
    // The runner knows the slice of that time, which is dropped then.
    let message = |n: u128| {
        let at = u128::try_from(accepted_ms).unwrap();
        let execution = ExecutionId::new(Uuid::from_u128((at << 80) | (7 << 76) | (2 << 62) | n));
        assert_eq!(execution.accepted_at_ms(), accepted_ms);
        v1::Input {
            execution_id: execution.to_vec().into(),
            accepted_at_ms: accepted_ms,
            ..stack.message("ann", &format!("m-{n}"), "hello")
        }
    };
    stack.ask(vec![message(1)]).await;
    let round =
        async || stack.maintenance(kept(KEPT_DAYS)).run_once(platform::clock::now_ms()).await.unwrap();
    let is_gone = async || {
        round().await;
        totals(&stack, workflow).await == 0
    };
    // Not before it is told, which the next commit notes.
    eventually("it is dropped", is_gone).await;
    assert_eq!(stack.list(stack.list_of(workflow)).await.total, 0);

    let answer = stack.ask(vec![message(2)]).await.remove(0);

    let execution = answer.execution.expect("it is handled as if the slice had always been there");
    let dead: i64 =
        stack.sql().await.query_one("SELECT count(*) FROM dead_letters", &[]).await.unwrap().get(0);
    assert_eq!(dead, 0);
    let found = stack.list(stack.list_of(workflow)).await;
    assert_eq!((found.total, found.executions.len()), (1, 1));
    eventually("it is dropped as well", is_gone).await;
    assert!(is_not_found(get(&stack, workflow, &execution.id).await));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_told_is_not_dropped() {
    let stack = Stack::start().await;
    let workflow = workflow();
    fill(&stack, workflow).await;
    let runner = stack.runner("one").await;
    runner.stop().await;
    let sql = stack.sql().await;
    let slice = this() - 3;
    let reference = v1::ExecutionRef { started_at_ms: slice * SLICE_MS + 1, ..v1::ExecutionRef::default() };
    let entry = v1::OutboxEntry { entry: Some(v1::outbox_entry::Entry::Execution(reference)) };
    let outbox = prost::Message::encode_to_vec(&v1::Outbox { entries: vec![entry] });
    sql.execute("INSERT INTO outbox (partition, commit_no, payload) VALUES (0, 999, $1)", &[&outbox])
        .await
        .unwrap();

    let round =
        async || stack.maintenance(kept(KEPT_DAYS)).run_once(platform::clock::now_ms()).await.unwrap();
    round().await;
    assert_eq!(slices(&stack).await[0], slice, "older ones are gone, that one and those after it wait");
    let counted = "SELECT count(*) FROM counters WHERE hour < $1";
    let border = DateTime::from_timestamp_millis(slice * SLICE_MS).unwrap();
    assert_eq!(sql.query_one(counted, &[&border]).await.unwrap().get::<_, i64>(0), 0);

    sql.batch_execute("UPDATE partitions SET told_no = 999 WHERE id = 0").await.unwrap();
    round().await;
    assert_eq!(slices(&stack).await[0], first_kept());
}

async fn ask(stack: &Stack, apply: bool) -> Vec<v1::RetentionClass> {
    let asked: v1::RetentionResponse =
        stack.call(subject::runner::RETENTION, &v1::RetentionRequest { apply }).await;
    asked.classes
}

fn class<'a>(classes: &'a [v1::RetentionClass], name: &str) -> &'a v1::RetentionClass {
    classes.iter().find(|class| class.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_is_shown_with_what_is_due_and_has_a_time_of_its_own() {
    let stack = Stack::start().await;
    let workflow = workflow();
    fill(&stack, workflow).await;
    let sql = stack.sql().await;
    sql.batch_execute("VACUUM ANALYZE").await.unwrap();
    // One that answers and does not run: its rounds would take what is due here.
    let nats_url = stack.nats.url();
    let own = ["execution-runner", "--database-url", &stack.database_url, "--nats-url", &nats_url];
    let more = ["--partitions", "8", "--keep-executions-days", "forever"];
    let runner = App::build(Config::parse_from(own.iter().chain(&more)), &Health::new()).await.unwrap();
    let now: DateTime<Utc> = sql.query_one("SELECT now()", &[]).await.unwrap().get(0);
    let month = now.timestamp_millis().div_euclid(30 * DAY_MS);
    for old in [month - 20, month - 5] {
        let seconds = |month: i64| month * 30 * DAY_MS / 1000;
        let note = format!(
            "CREATE TABLE conversation_notes_{old} PARTITION OF conversation_notes
             FOR VALUES FROM (to_timestamp({0})) TO (to_timestamp({1}));
             INSERT INTO conversation_notes VALUES (gen_random_uuid(), to_timestamp({0}), 1, 0, '')",
            seconds(old),
            seconds(old + 1)
        );
        sql.batch_execute(&note).await.unwrap();
    }
    let bury =
        "INSERT INTO dead_letters (incarnation, grp, seq, position, payload, error, created_at, retried_at)
        VALUES (1, 0, 1, 0, 'payload', 'it failed', now() - interval '500 days', now() - interval '31 days'),
            (1, 0, 2, 0, 'payload', 'it failed', now() - interval '500 days', NULL)";
    sql.batch_execute(bury).await.unwrap();

    let shown = ask(&stack, false).await;

    let executions = class(&shown, "executions");
    assert_eq!((executions.setting.as_str(), executions.keep_days), ("TURNLOOM_KEEP_EXECUTIONS_DAYS", None));
    assert_eq!(executions.rows, ALL);
    assert_eq!(executions.oldest_ms, Some((this() - SLICES + 1) * SLICE_MS));
    assert_eq!((executions.next_due_ms, executions.due.len()), (None, 0));
    let notes = class(&shown, "notes");
    assert_eq!(
        (notes.keep_days, &notes.due),
        (Some(400), &vec![format!("conversation_notes_{}", month - 20)])
    );
    assert_eq!(notes.next_due_ms, Some((month - 19) * 30 * DAY_MS + 400 * DAY_MS));
    let (retried, open) = (class(&shown, "dead_letters"), class(&shown, "open_dead_letters"));
    assert_eq!((retried.keep_days, retried.rows, retried.due_rows), (Some(30), 1, 1));
    assert_eq!((open.keep_days, open.rows, open.due_rows), (None, 1, 0));
    assert_eq!(class(&shown, "message_keys").keep_days, Some(30));
    assert_eq!((class(&shown, "outbox").setting.as_str(), class(&shown, "outbox").keep_days), ("", Some(3)));

    let applied = ask(&stack, true).await;
    let notes = class(&applied, "notes");
    assert_eq!((notes.dropped_slices, notes.due.len()), (1, 0));
    assert_eq!(notes.kept_since_ms, Some((month - 19) * 30 * DAY_MS));
    let retried = class(&applied, "dead_letters");
    assert_eq!((retried.dropped_rows, retried.rows, retried.due_rows), (1, 0, 0));
    assert_eq!(class(&applied, "open_dead_letters").rows, 1);
    assert_eq!(class(&applied, "executions").dropped_slices, 0);
    drop(runner);
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_are_kept_as_long_as_messages_are_remembered_or_the_runner_does_not_start() {
    let stack = Stack::start().await;
    let nats_url = stack.nats.url();
    let own = ["execution-runner", "--database-url", &stack.database_url, "--nats-url", &nats_url];
    let short = ["--keep-executions-days", "20"];
    let config = Config::parse_from(own.iter().chain(&short));
    let refused = App::build(config, &Health::new()).await.err().unwrap().to_string();
    assert!(refused.starts_with("--keep-executions-days is 20, and must be 30 or more"), "{refused}");

    for (wrong, complaint) in [
        (["--keep-executions-days", "7"], "8 to 36500 days, or 0 or forever"),
        (["--keep-notes-days", "36501"], "8 to 36500 days, or 0 or forever"),
        (["--keep-dead-letters-days", "a month"], "1 to 36500 days, or 0 or forever"),
    ] {
        let refused = Config::try_parse_from(own.iter().chain(&wrong)).unwrap_err().to_string();
        assert!(refused.contains(wrong[0]) && refused.contains(complaint), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_from_when_slices_were_days_are_all_there_and_counted() {
    let stack = Stack::start().await;
    let workflow = workflow();
    let sql = stack.sql().await;
    // What came later gives rights to the table, and is undone first.
    for down in [
        include_str!("../migrations/2026-11-27-000042_rows_of_accounts/down.sql"),
        include_str!("../migrations/2026-11-27-000041_roles/down.sql"),
        include_str!("../migrations/2026-11-26-000003_slices_of_thirty_days/down.sql"),
    ] {
        sql.batch_execute(down).await.unwrap();
    }
    let (account, id) = (*stack.account.as_uuid(), *workflow.as_uuid());
    let begun = this() * SLICE_MS - 3 * DAY_MS;
    for day in 0..6 {
        let from = begun + day * DAY_MS;
        let (number, from_s, to_s) = (from / DAY_MS, from / 1000, (from + DAY_MS) / 1000);
        let make = format!(
            "CREATE TABLE executions_{number} PARTITION OF executions FOR VALUES FROM (to_timestamp({from_s})) TO (to_timestamp({to_s}))"
        );
        sql.batch_execute(&make).await.unwrap();
        sql.execute(ROWS, &[&account, &id, &from, &8, &30]).await.unwrap();
    }
    let hours = "INSERT INTO counters SELECT workflow_id, date_trunc('hour', started_at, 'UTC'), channel, status, partition, count(*)
        FROM executions GROUP BY 1, 2, 3, 4, 5";
    sql.batch_execute(hours).await.unwrap();

    for up in [
        include_str!("../migrations/2026-11-26-000003_slices_of_thirty_days/up.sql"),
        include_str!("../migrations/2026-11-27-000041_roles/up.sql"),
        include_str!("../migrations/2026-11-27-000042_rows_of_accounts/up.sql"),
    ] {
        sql.batch_execute(up).await.unwrap();
    }

    assert_eq!(slices(&stack).await, [this() - 1, this()]);
    let runner = stack.runner("one").await;
    assert_eq!(totals(&stack, workflow).await, 6 * 30);
    let list = v1::ListExecutionsRequest { limit: 100, ..stack.list_of(workflow) };
    assert_eq!(walk(&stack, &list).await.len(), 6 * 30);
    let span = v1::ListExecutionsRequest { end_at_ms: Some(begun + 3 * DAY_MS - 1), ..list };
    assert_eq!(walk(&stack, &span).await.len(), 3 * 30);
    runner.stop().await;
}
