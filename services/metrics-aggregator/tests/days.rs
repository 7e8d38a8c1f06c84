//! What is kept by day is what follows from the quarters, however those came about, changed or went.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::history::{Question, Ran, check, history, keep, told};
use crate::support::{Aggregator, PATIENCE, Stack};
use bus::rpc::{RunningServer, Server};
use chrono::{DateTime, Utc};
use contracts::subject;
use contracts::v1::{self, ExecutionStatus};
use flow_model::{AccountId, ExecutionId, WorkflowId};
use metrics_aggregator::store::SCHEMA;
use pg::PgConfig;
use platform::clock;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::eventually;
use tokio_postgres::Client;
use uuid::Uuid;

const QUARTER_MS: i64 = 15 * 60 * 1000;
const DAY_MS: i64 = 96 * QUARTER_MS;
const MONTH_MS: i64 = 30 * DAY_MS;
const PARTITIONS: usize = 8;
const QUERIES: usize = 40;
/// Executions of each kind that numbers are put right by.
const DIFFERENT: usize = 12;

async fn sql(stack: &Stack) -> Client {
    pg::raw::connect(&PgConfig::for_url(&stack.database_url), SCHEMA).await.unwrap()
}

/// An aggregator that has counted this.
async fn counted(
    stack: &Stack,
    workflow: WorkflowId,
    history: &[Ran],
    commits: &mut [u64; PARTITIONS],
) -> Aggregator {
    let aggregator = stack.aggregator().await;
    for commit in told(workflow, history, commits) {
        stack.publish(&commit).await;
    }
    let failed = i64::try_from(history.iter().filter(|ran| ran.failed).count()).unwrap();
    stack.ended([i64::try_from(history.len()).unwrap() - failed, failed]).await;
    aggregator
}

/// A runner that has these executions on record.
async fn runner(stack: &Stack, workflow: WorkflowId, history: &[Ran]) -> RunningServer {
    let listed = |ran: &Ran| v1::Execution {
        id: ran.id.to_vec().into(),
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: workflow.to_vec().into(),
        customer_id: ran.customer.clone(),
        channel: ran.channel.to_owned(),
        status: if ran.failed { ExecutionStatus::Failed } else { ExecutionStatus::Success }.into(),
        started_at_ms: ran.at_ms,
        completed_at_ms: Some(ran.at_ms + ran.duration_ms),
        replies_in_all: Some(u32::try_from(ran.replies).unwrap()),
        record: Some(v1::ExecutionRecord { started_by_api: ran.by_api, ..v1::ExecutionRecord::default() }),
        ..v1::Execution::default()
    };
    let all: Vec<v1::Execution> = history.iter().map(listed).collect();
    Server::new(&stack.bus, "execution-runner")
        .handle(subject::runner::LIST_EXECUTIONS, move |request: v1::ListExecutionsRequest| {
            let span = request.start_at_ms.unwrap()..=request.end_at_ms.unwrap();
            let executions = all.iter().filter(|one| span.contains(&one.started_at_ms)).cloned().collect();
            async move { Ok(v1::ListExecutionsResponse { executions, ..v1::ListExecutionsResponse::default() }) }
        })
        .handle(subject::runner::RETENTION, async |_: v1::RetentionRequest| Ok(v1::RetentionResponse::default()))
        .start()
        .await
        .unwrap()
}

async fn rebuild(stack: &Stack, workflow: WorkflowId, span: (i64, i64)) -> usize {
    let request = v1::RebuildMetricsRequest {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: workflow.to_vec().into(),
        start_ms: span.0,
        end_ms: span.1,
        apply: true,
    };
    let answer: v1::RebuildMetricsResponse =
        stack.bus.rpc().call(subject::metrics::REBUILD, &request, PATIENCE).await.unwrap();
    answer.differences.len()
}

/// The sums of quarters are those of days, and who was there on which day is what visits say.
async fn is_consistent(client: &Client) {
    let differences = async |of: &str| {
        let (left, right) = of.split_once(" = ").unwrap();
        let differ = format!(
            "SELECT count(*) FROM (({left} EXCEPT {right}) UNION ALL ({right} EXCEPT {left})) AS differ"
        );
        client.query_one(&differ, &[]).await.unwrap().get::<_, i64>(0)
    };
    let numbers = "sum(succeeded), sum(failed), sum(duration_ms), sum(messages_received), sum(messages_sent), sum(ai_answers)";
    let key = "account_id, workflow_id, channel";
    let by_day = format!(
        "SELECT {key}, day, {numbers} FROM rollups_by_day GROUP BY {key}, day = \
         SELECT {key}, date_trunc('day', quarter, 'UTC'), {numbers} FROM rollups GROUP BY {key}, 4"
    );
    assert_eq!(differences(&by_day).await, 0, "numbers by day");
    let kept =
        "DROP TABLE IF EXISTS kept_visitors, kept_returns; CREATE TEMP TABLE kept_visitors AS TABLE visitors;
        CREATE TEMP TABLE kept_returns AS SELECT * FROM returns WHERE customers <> 0; SELECT make_visitors()";
    client.batch_execute(kept).await.unwrap();
    assert_eq!(differences("TABLE kept_visitors = TABLE visitors").await, 0, "visitors");
    assert_eq!(differences("TABLE kept_returns = TABLE returns").await, 0, "returns");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_follow_their_quarters_when_numbers_are_put_right() {
    let mut rng = StdRng::seed_from_u64(testkit::seed());
    let stack = Stack::start().await;
    let client = sql(&stack).await;
    let workflow = WorkflowId::new(clock::new_uuid_v7());
    let mut recorded = history(&mut rng);
    let never_told = recorded.split_off(recorded.len() - DIFFERENT);
    let aggregator = counted(&stack, workflow, &recorded, &mut [0; PARTITIONS]).await;
    is_consistent(&client).await;
    // Some of what was told is not on record, and some of what is was not told.
    recorded.splice(..DIFFERENT, never_told);
    keep(&client, workflow, &recorded).await;
    let runner = runner(&stack, workflow, &recorded).await;
    let times = || recorded.iter().map(|ran| ran.at_ms);
    let (first, last) = (times().min().unwrap() - DAY_MS, times().max().unwrap() + DAY_MS);
    for _ in 0..5 {
        let start = rng.random_range(first..last);
        rebuild(&stack, workflow, (start, start + rng.random_range(QUARTER_MS..5 * DAY_MS))).await;
        is_consistent(&client).await;
    }

    let mut start = first - 200 * DAY_MS;
    while start < last + 200 * DAY_MS {
        rebuild(&stack, workflow, (start, start + 300 * DAY_MS)).await;
        start += 300 * DAY_MS;
    }

    is_consistent(&client).await;
    for _ in 0..QUERIES {
        check(&stack, &client, workflow, &Question::random(&mut rng, &recorded)).await;
        check(&stack, &client, workflow, &Question::of_a_year(&mut rng, &recorded)).await;
    }
    aggregator.stop().await;
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_from_before_there_were_days_are_all_there() {
    let mut rng = StdRng::seed_from_u64(testkit::seed());
    let stack = Stack::start().await;
    let client = sql(&stack).await;
    let workflow = WorkflowId::new(clock::new_uuid_v7());
    let all = history(&mut rng);
    keep(&client, workflow, &all).await;
    counted(&stack, workflow, &all, &mut [0; PARTITIONS]).await.stop().await;
    client.batch_execute(include_str!("../migrations/2026-11-27-000043_days/down.sql")).await.unwrap();

    client.batch_execute(include_str!("../migrations/2026-11-27-000043_days/up.sql")).await.unwrap();

    let aggregator = stack.aggregator().await;
    for n in 0..QUERIES {
        if n == QUERIES / 2 {
            let left = "SELECT FROM days_to_sum";
            eventually("all days are summed", || async {
                client.query(left, &[]).await.unwrap().is_empty().then_some(())
            })
            .await;
        }
        check(&stack, &client, workflow, &Question::of_a_year(&mut rng, &all)).await;
    }
    is_consistent(&client).await;
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_workflow_is_left() {
    let mut rng = StdRng::seed_from_u64(testkit::seed());
    let stack = Stack::start().await;
    let client = sql(&stack).await;
    let aggregator = counted(&stack, stack.workflow, &history(&mut rng), &mut [0; PARTITIONS]).await;
    let request = v1::EraseWorkflowRequest {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: stack.workflow.to_vec().into(),
    };

    let erased: v1::EraseWorkflowResponse =
        stack.bus.rpc().call(subject::metrics::ERASE_WORKFLOW, &request, PATIENCE).await.unwrap();

    assert!(erased.done);
    for table in ["rollups", "rollups_by_day", "days_to_sum", "visits", "visitors", "returns"] {
        let left = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        assert_eq!(left.get::<_, i64>(0), 0, "{table}");
    }
    aggregator.stop().await;
}

/// Visits of customers in each of the last months, told as events of executions.
fn of_months(rng: &mut StdRng, months: i64) -> Vec<Ran> {
    let now = clock::now_ms();
    let mut all = history(rng);
    for ran in &mut all {
        ran.at_ms = now - rng.random_range(0..months * MONTH_MS);
        let id = uuid::Builder::from_unix_timestamp_millis(ran.at_ms.unsigned_abs(), &rng.random());
        ran.id = ExecutionId::new(id.into_uuid());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_of_what_is_kept_are_exact_when_the_rest_is_gone() {
    let mut rng = StdRng::seed_from_u64(testkit::seed());
    let stack = Stack::start().await;
    let client = sql(&stack).await;
    let workflow = WorkflowId::new(clock::new_uuid_v7());
    let mut commits = [0; PARTITIONS];
    let all = of_months(&mut rng, 12);
    counted(&stack, workflow, &all, &mut commits).await.stop().await;
    // One who was there long ago only.
    let gone = Uuid::from_u128(7);
    let visitor = "INSERT INTO visitors VALUES ($1, $2, '{10}')";
    client.execute(visitor, &[workflow.as_uuid(), &gone]).await.unwrap();

    let aggregator = stack.aggregator_that_keeps("150").await;

    let since = "SELECT kept_since FROM retention WHERE class = 'visitors'";
    let row =
        eventually("what is over its time is gone", || async { client.query_opt(since, &[]).await.unwrap() })
            .await;
    let since: DateTime<Utc> = row.get(0);
    let kept: Vec<Ran> = all.into_iter().filter(|ran| ran.at_ms >= since.timestamp_millis()).collect();
    keep(&client, workflow, &kept).await;
    for _ in 0..QUERIES {
        check(&stack, &client, workflow, &Question::of_a_year(&mut rng, &kept)).await;
        check(&stack, &client, workflow, &Question::random(&mut rng, &kept)).await;
    }
    let day = i32::try_from(since.timestamp_millis() / DAY_MS).unwrap();
    let left = "SELECT (SELECT count(*) FROM rollups_by_day WHERE day < $1) + (SELECT count(*) FROM returns WHERE day < $2)
        + (SELECT count(*) FROM visitors WHERE days[cardinality(days)] < $2)";
    assert_eq!(client.query_one(left, &[&since, &day]).await.unwrap().get::<_, i64>(0), 0);
    // They are told again, and were there on days that are kept, before, between and after those that are known.
    let again = of_months(&mut rng, 4);
    keep(&client, workflow, &again).await;
    let before = stack.numbers().await;
    for commit in told(workflow, &again, &mut commits) {
        stack.publish(&commit).await;
    }
    let failed = i64::try_from(again.iter().filter(|ran| ran.failed).count()).unwrap();
    let [succeeded, had_failed, ..] = before;
    stack.ended([succeeded + i64::try_from(again.len()).unwrap() - failed, had_failed + failed]).await;
    for _ in 0..QUERIES {
        check(&stack, &client, workflow, &Question::of_a_year(&mut rng, &kept)).await;
    }
    aggregator.stop().await;
}
