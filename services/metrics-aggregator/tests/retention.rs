//! Numbers that are over their time go by thirty days, buckets and customers together, and others wait for nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{PATIENCE, Stack};
use bus::rpc::{CallError, Server};
use clap::Parser;
use contracts::{ErrorCode, subject, v1};
use flow_model::AccountId;
use metrics_aggregator::store::SCHEMA;
use metrics_aggregator::{App, Config};
use pg::PgConfig;
use platform::clock;
use platform::health::Health;
use tokio_postgres::Client;
use uuid::Uuid;

const MONTH_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Others come through in a fraction of this.
const SOON: Duration = Duration::from_secs(5);

async fn sql(stack: &Stack) -> Client {
    pg::raw::connect(&PgConfig::for_url(&stack.database_url), SCHEMA).await.unwrap()
}

fn month() -> i64 {
    clock::now_ms().div_euclid(MONTH_MS)
}

/// Numbers and a customer at the beginning of each of these months, as they were counted then.
async fn fill(stack: &Stack, months: impl Iterator<Item = i64>) {
    let sql = sql(stack).await;
    for month in months {
        let seconds = month * MONTH_MS / 1000;
        let slices = ["rollups", "visits"].map(|table| {
            let end = seconds + MONTH_MS / 1000;
            format!(
                "CREATE TABLE IF NOT EXISTS {table}_{month} PARTITION OF {table}
                 FOR VALUES FROM (to_timestamp({seconds})) TO (to_timestamp({end}));"
            )
        });
        sql.batch_execute(&slices.concat()).await.unwrap();
        let (account, workflow) = (*AccountId::named("default").as_uuid(), *stack.workflow.as_uuid());
        let rollup = "INSERT INTO rollups (account_id, workflow_id, channel, quarter, succeeded, durations)
            VALUES ($1, $2, 'web', to_timestamp($3::float8), 1, '')";
        let by_day =
            "INSERT INTO rollups_by_day (account_id, workflow_id, channel, day, succeeded, durations)
            VALUES ($1, $2, 'web', to_timestamp($3::float8), 1, '')";
        let visit = "INSERT INTO visits VALUES ($1, to_timestamp($2::float8), $3)";
        #[expect(clippy::cast_precision_loss, reason = "these seconds fit")]
        let at = seconds as f64;
        for numbers in [rollup, by_day] {
            sql.execute(numbers, &[&account, &workflow, &at]).await.unwrap();
        }
        sql.execute(visit, &[&workflow, &at, &Uuid::from_u128(month.unsigned_abs().into())]).await.unwrap();
    }
    sql.batch_execute("SELECT make_visitors()").await.unwrap();
}

/// Executions and distinct customers of all time.
async fn numbers(stack: &Stack) -> (u64, u64) {
    let request = v1::GetMetricsRequest {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: stack.workflow.to_vec().into(),
        start_ms: 0,
        end_ms: clock::now_ms() + MONTH_MS,
        granularity: v1::Granularity::Month.into(),
        timezone: "UTC".to_owned(),
    };
    let found: v1::GetMetricsResponse =
        stack.bus.rpc().call(subject::metrics::GET, &request, PATIENCE).await.unwrap();
    (found.totals.unwrap().succeeded, found.unique_customers)
}

async fn ask(stack: &Stack, apply: bool) -> v1::RetentionClass {
    let request = v1::RetentionRequest { apply };
    let asked: v1::RetentionResponse =
        stack.bus.rpc().call(subject::metrics::RETENTION, &request, PATIENCE).await.unwrap();
    asked.classes.into_iter().next().unwrap()
}

/// One that answers and does not run: its rounds would take what is due.
async fn answering(stack: &Stack, days: &str) -> App {
    let url = stack.nats.url();
    let arguments = ["metrics-aggregator", "--database-url", &stack.database_url, "--nats-url", &url];
    let config = Config::parse_from(arguments.iter().chain(&["--keep-numbers-days", days]));
    App::build(config, &Health::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_with_their_customers_when_they_are_over_their_time() {
    let stack = Stack::start().await;
    fill(&stack, month() - 20..=month()).await;
    let aggregator = answering(&stack, "300").await;
    assert_eq!(numbers(&stack).await, (21, 21));

    let shown = ask(&stack, false).await;
    assert_eq!((shown.name.as_str(), shown.keep_days, shown.slices), ("numbers", Some(300), Some(42)));
    // A month that lies across the border is kept.
    assert_eq!(shown.due.len(), 20);
    assert_eq!((shown.oldest_ms, shown.kept_since_ms), (Some((month() - 20) * MONTH_MS), None));

    let applied = ask(&stack, true).await;
    assert_eq!((applied.dropped_slices, applied.due.len(), applied.slices), (20, 0, Some(22)));
    assert_eq!(applied.kept_since_ms, Some((month() - 10) * MONTH_MS));
    assert_eq!(numbers(&stack).await, (11, 11));
    assert_eq!(ask(&stack, true).await.dropped_slices, 0);
    drop(aggregator);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reading_holds_up_the_drop_and_nobody_else() {
    let stack = Stack::start().await;
    fill(&stack, month() - 3..=month()).await;
    let aggregator = stack.aggregator().await;
    let keeping = answering(&stack, "30").await;
    let reading = sql(&stack).await;
    reading.batch_execute("BEGIN; SELECT count(*) FROM visits").await.unwrap();

    let others = async {
        for commit_no in 1..=10 {
            stack.publish(&stack.commit(3, commit_no, false)).await;
            let number = i64::try_from(commit_no).unwrap();
            let counted = stack.counted([4 + number, 0, number, number]);
            tokio::time::timeout(SOON, counted).await.expect("an event is counted meanwhile");
            tokio::time::timeout(SOON, numbers(&stack)).await.expect("numbers are read meanwhile");
        }
    };
    let (applied, ()) = tokio::join!(ask_somewhere(&stack), others);
    assert_eq!((applied.dropped_slices, applied.due.len()), (0, 4));

    reading.batch_execute("COMMIT").await.unwrap();
    assert_eq!(ask_somewhere(&stack).await.dropped_slices, 4);
    drop(keeping);
    aggregator.stop().await;
}

/// Asks until the one answers that keeps numbers for a month.
async fn ask_somewhere(stack: &Stack) -> v1::RetentionClass {
    loop {
        let asked = ask(stack, true).await;
        if asked.keep_days.is_some() {
            return asked;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_month_that_is_gone_is_counted() {
    let stack = Stack::start().await;
    let aggregator = stack.aggregator().await;
    stack.publish(&stack.commit(1, 1, false)).await;
    stack.counted([1, 0, 1, 1]).await;
    let gone = "DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN ('rollups'::regclass, 'visits'::regclass) LOOP
            EXECUTE 'DROP TABLE ' || name; END LOOP; END $$";
    sql(&stack).await.batch_execute(gone).await.unwrap();

    stack.publish(&stack.commit(1, 2, true)).await;

    stack.counted([0, 1, 1, 1]).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_executions_that_are_not_kept_any_more_are_not_counted_again() {
    let stack = Stack::start().await;
    fill(&stack, month() - 3..=month()).await;
    let kept_since_ms = month() * MONTH_MS;
    let runner = Server::new(&stack.bus, "execution-runner")
        .handle(subject::runner::LIST_EXECUTIONS, async |_: v1::ListExecutionsRequest| {
            Ok(v1::ListExecutionsResponse::default())
        })
        .handle(subject::runner::RETENTION, move |_: v1::RetentionRequest| {
            let (name, kept_since_ms) = ("executions".to_owned(), Some(kept_since_ms));
            let classes = vec![v1::RetentionClass { name, kept_since_ms, ..v1::RetentionClass::default() }];
            async move { Ok(v1::RetentionResponse { classes }) }
        })
        .start()
        .await
        .unwrap();
    let aggregator = stack.aggregator().await;
    let rebuild = async |start_ms: i64, end_ms: i64| {
        let request = v1::RebuildMetricsRequest {
            account_id: AccountId::named("default").to_vec().into(),
            workflow_id: stack.workflow.to_vec().into(),
            start_ms,
            end_ms,
            apply: true,
        };
        let answer: Result<v1::RebuildMetricsResponse, CallError> =
            stack.bus.rpc().call(subject::metrics::REBUILD, &request, PATIENCE).await;
        answer
    };

    let before = rebuild(kept_since_ms - 3 * MONTH_MS, kept_since_ms).await;
    assert!(
        matches!(before, Err(CallError::Refused(failure)) if failure.error_code() == ErrorCode::InvalidRequest)
    );
    let across = rebuild(kept_since_ms - 3 * MONTH_MS, kept_since_ms + MONTH_MS).await.unwrap();

    assert_eq!(across.start_ms, kept_since_ms);
    // Of this month no runner knows anything.
    assert_eq!(numbers(&stack).await, (3, 3));
    aggregator.stop().await;
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_from_before_there_were_slices_are_all_there() {
    let stack = Stack::start().await;
    let sql = sql(&stack).await;
    sql.batch_execute(include_str!("../migrations/2026-11-26-000001_retention/down.sql")).await.unwrap();
    let old = "INSERT INTO rollups (account_id, workflow_id, channel, quarter, succeeded)
            SELECT gen_random_uuid(), gen_random_uuid(), 'web', at, 1
            FROM (SELECT generate_series(timestamptz '1969-11-01Z', '1970-11-01Z', '10 days') UNION ALL
                SELECT generate_series(timestamptz '2025-11-01Z', '2026-11-01Z', '10 days')) AS old (at);
        INSERT INTO visits SELECT workflow_id, quarter, workflow_id FROM rollups";
    sql.batch_execute(old).await.unwrap();
    let count = "SELECT (SELECT count(*) FROM rollups), (SELECT count(*) FROM visits)";
    let before = sql.query_one(count, &[]).await.unwrap();

    sql.batch_execute(include_str!("../migrations/2026-11-26-000001_retention/up.sql")).await.unwrap();

    let after = sql.query_one(count, &[]).await.unwrap();
    let both = |row: &tokio_postgres::Row| (row.get::<_, i64>(0), row.get::<_, i64>(1));
    assert_eq!(both(&after), both(&before));
    assert!(both(&after).0 > 70);
    // Their slices are those that the aggregator would have made.
    let app = answering(&stack, "8").await;
    let shown = ask(&stack, true).await;
    assert!(shown.dropped_slices > 20 && shown.due.is_empty(), "{shown:?}");
    drop(app);
}
