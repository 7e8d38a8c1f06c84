//! What AI answers took is counted once, shown, and counted again from the records.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::{PATIENCE, Stack};
use bus::publish::Outgoing;
use bus::rpc::Server;
use contracts::subject;
use contracts::v1::{self, AiUsage, ExecutionStatus};
use flow_model::{AccountId, ExecutionId};
use metrics_aggregator::store::SCHEMA;
use pg::PgConfig;
use platform::clock;
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The events of an execution whose AI answers took this.
fn with_ai(stack: &Stack, commit_no: u64, ai: &Value) -> Vec<Outgoing> {
    let mut told = stack.commit(2, commit_no, false);
    let completed = told.last_mut().unwrap();
    let mut events: Value = serde_json::from_slice(&completed.payload).unwrap();
    events[0]["data"]["ai"] = ai.clone();
    completed.payload = events.to_string().into();
    told
}

/// The execution that these events tell of, as a runner lists it.
fn listed(stack: &Stack, told: &[Outgoing], ai: AiUsage) -> v1::Execution {
    let events: Value = serde_json::from_slice(&told[0].payload).unwrap();
    let id: ExecutionId = events[0]["data"]["execution_id"].as_str().unwrap().parse().unwrap();
    v1::Execution {
        id: id.to_vec().into(),
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: stack.workflow.to_vec().into(),
        customer_id: "ann".to_owned(),
        channel: "web".to_owned(),
        status: ExecutionStatus::Success.into(),
        completed_at_ms: Some(10),
        replies_in_all: Some(1),
        ai: Some(ai),
        ..v1::Execution::default()
    }
}

async fn rebuild(stack: &Stack, apply: bool) -> Vec<(String, i64, i64)> {
    let now = clock::now_ms();
    let request = v1::RebuildMetricsRequest {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: stack.workflow.to_vec().into(),
        start_ms: now - DAY_MS,
        end_ms: now + DAY_MS,
        apply,
    };
    let answer: v1::RebuildMetricsResponse =
        stack.bus.rpc().call(subject::metrics::REBUILD, &request, PATIENCE).await.unwrap();
    let differences = answer.differences.into_iter();
    differences.map(|found| (found.name, found.stored, found.recorded)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ai_answers_took_is_summed_once_and_shown() {
    let stack = Stack::start().await;
    let first =
        json!({"answers": 1, "fallbacks": 0, "prompt_tokens": 120, "completion_tokens": 30, "cost": 0.000_1});
    let second =
        json!({"answers": 0, "fallbacks": 2, "prompt_tokens": 80, "completion_tokens": 7, "cost": 1.25});
    let told = [with_ai(&stack, 1, &first), stack.commit(2, 2, false), with_ai(&stack, 3, &second)];
    let usage = |answers, fallbacks, prompt_tokens, completion_tokens, cost_micros| AiUsage {
        answers,
        fallbacks,
        prompt_tokens,
        completion_tokens,
        cost_micros,
    };
    let aggregator = stack.aggregator().await;
    for commit in &told {
        stack.publish(commit).await;
    }
    stack.publish(&told[2]).await;
    stack.publish(&stack.commit(3, 1, true)).await;
    stack.counted([3, 1, 4, 4]).await;

    let now = clock::now_ms();
    let span = (now - DAY_MS, now + DAY_MS);
    let found = stack.metrics(stack.workflow, span, v1::Granularity::Day, "UTC").await;
    let sum = usage(1, 2, 200, 37, 1_250_100);
    assert_eq!(found.totals.unwrap().ai, Some(sum));
    let points: Vec<AiUsage> = found.series.iter().filter_map(|point| point.numbers.unwrap().ai).collect();
    let of_points = |of: fn(&AiUsage) -> u64| points.iter().map(of).sum::<u64>();
    assert_eq!(of_points(|ai| ai.cost_micros), sum.cost_micros);
    assert_eq!(of_points(|ai| ai.prompt_tokens), sum.prompt_tokens);
    assert!(points.len() < found.series.len(), "days without AI answers show none");
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_mends_what_ai_answers_took() {
    let stack = Stack::start().await;
    let ai = json!({"answers": 1, "fallbacks": 0, "prompt_tokens": 5, "completion_tokens": 6, "cost": 0.07});
    let told = with_ai(&stack, 1, &ai);
    let usage =
        AiUsage { answers: 1, fallbacks: 0, prompt_tokens: 5, completion_tokens: 6, cost_micros: 70_000 };
    let execution = listed(&stack, &told, usage);
    let runner = Server::new(&stack.bus, "execution-runner")
        .handle(subject::runner::LIST_EXECUTIONS, move |request: v1::ListExecutionsRequest| {
            let at = ExecutionId::from_slice(&execution.id).unwrap().accepted_at_ms();
            let within = (request.start_at_ms.unwrap()..=request.end_at_ms.unwrap()).contains(&at);
            let executions = within.then(|| execution.clone()).into_iter().collect();
            async move { Ok(v1::ListExecutionsResponse { executions, ..Default::default() }) }
        })
        .handle(subject::runner::RETENTION, async |_: v1::RetentionRequest| {
            Ok(v1::RetentionResponse::default())
        })
        .start()
        .await
        .unwrap();
    let aggregator = stack.aggregator().await;
    stack.publish(&told).await;
    stack.counted([1, 0, 1, 1]).await;

    assert_eq!(rebuild(&stack, false).await, []);
    let client = pg::raw::connect(&PgConfig::for_url(&stack.database_url), SCHEMA).await.unwrap();
    // As it is in a row that was counted before there was such a column.
    client.batch_execute("UPDATE rollups SET ai_cost_micros = 0, ai_answers = 0").await.unwrap();
    let expected = [("ai_answers".to_owned(), 0, 1), ("ai_cost_micros".to_owned(), 0, 70_000)];
    assert_eq!(rebuild(&stack, true).await, expected);
    assert_eq!(rebuild(&stack, false).await, []);
    aggregator.stop().await;
    runner.stop().await;
}
