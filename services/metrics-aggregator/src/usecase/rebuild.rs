//! Counting a span again from the runner's records, to compare it with what the events gave.
//!
//! Numbers are kept longer than executions: what happened before those that are kept cannot be counted again, and is left out.

use bytes::Bytes;
use contracts::ErrorCode;
use contracts::v1::{self, ExecutionStatus, Failure};
use flow_model::{AccountId, Channel, ExecutionId, WorkflowId};
use flow_rollup::{AiUsage, Bucket, BucketKey, QUARTER_MS, Span, Visit, customer_key};

use super::{failure, ids, runner_failure};
use crate::runner::Runner;
use crate::store::{Recorded, Repair, Store};

/// Time that is compared at once, so that memory stays small whatever the span is.
const PIECE_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest span of one request.
const SPAN_MS_MAX: i64 = 400 * PIECE_MS;
/// Executions of one page.
const PAGE: u32 = 100;
/// What has just ended may still be on its way as an event: a piece that differs is looked at so often.
const LOOKS: usize = 3;
/// Differences that are told.
const DIFFERENCES_MAX: usize = 1000;

/// Compares, and when asked to, puts right.
pub(crate) async fn rebuild(
    store: &Store,
    runner: &Runner,
    request: v1::RebuildMetricsRequest,
) -> Result<v1::RebuildMetricsResponse, Failure> {
    let (account, workflow) = ids(&request.account_id, &request.workflow_id)?;
    let span = Span::around(request.start_ms, request.end_ms);
    if span.end_ms - span.start_ms > SPAN_MS_MAX {
        return Err(Failure::because(ErrorCode::InvalidRequest, "The span is longer than 400 days"));
    }
    let mut answer = v1::RebuildMetricsResponse {
        start_ms: span.start_ms,
        end_ms: span.end_ms,
        ..v1::RebuildMetricsResponse::default()
    };
    let mut start_ms = span.start_ms;
    let kept_since_ms = runner.kept_since_ms().await.map_err(runner_failure)?;
    if kept_since_ms >= span.end_ms {
        return Err(Failure::because(
            ErrorCode::InvalidRequest,
            "No execution of that span is kept any more",
        ));
    }
    if kept_since_ms > start_ms {
        (start_ms, answer.start_ms) = (kept_since_ms, kept_since_ms);
    }
    while start_ms < span.end_ms {
        let piece = Span { start_ms, end_ms: (start_ms + PIECE_MS).min(span.end_ms) };
        let compared = compare(store, runner, account, workflow, piece).await?;
        answer.executions += executions(&compared.right);
        let differences = differences(&compared.stored, &compared.right);
        if !differences.is_empty() && runner.kept_since_ms().await.map_err(runner_failure)? > piece.start_ms {
            let details = "Executions were dropped while they were counted; try again";
            return Err(Failure::because(ErrorCode::Conflict, details));
        }
        if request.apply && !differences.is_empty() {
            let done = store.repair(compared).await.map_err(|error| failure(&error))?;
            if !done {
                let details = "The numbers changed while they were compared; try again";
                return Err(Failure::because(ErrorCode::Conflict, details));
            }
        }
        answer.differences.extend(differences);
        answer.differences.truncate(DIFFERENCES_MAX);
        start_ms = piece.end_ms;
    }
    Ok(answer)
}

/// What is stored and what is on record; looked at again while they differ.
async fn compare(
    store: &Store,
    runner: &Runner,
    account: AccountId,
    workflow: WorkflowId,
    span: Span,
) -> Result<Repair, Failure> {
    let mut looks = 0;
    loop {
        let stored = store.stored(account, workflow, span).await.map_err(|error| failure(&error))?;
        let right = recount(runner, account, workflow, span).await?;
        looks += 1;
        if stored == right || looks == LOOKS {
            return Ok(Repair { account, workflow, span, stored, right });
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

/// Counts what executions that started in a span have told.
async fn recount(
    runner: &Runner,
    account: AccountId,
    workflow: WorkflowId,
    span: Span,
) -> Result<Recorded, Failure> {
    let mut recorded = Recorded::default();
    let mut request = v1::ListExecutionsRequest {
        account_id: Bytes::copy_from_slice(account.as_uuid().as_bytes()),
        workflow_id: Bytes::copy_from_slice(workflow.as_uuid().as_bytes()),
        page: 1,
        limit: PAGE,
        start_at_ms: Some(span.start_ms),
        end_at_ms: Some(span.end_ms - 1),
        ..v1::ListExecutionsRequest::default()
    };
    loop {
        let page = runner.executions(&request).await.map_err(runner_failure)?;
        for execution in &page.executions {
            add(&mut recorded, account, workflow, execution);
        }
        if page.next_cursor.is_empty() {
            return Ok(recorded);
        }
        request.cursor = page.next_cursor;
    }
}

fn add(recorded: &mut Recorded, account: AccountId, workflow: WorkflowId, execution: &v1::Execution) {
    let is_finished = match execution.status() {
        ExecutionStatus::Success | ExecutionStatus::Failed => true,
        // What came in and what was said so far is told already.
        ExecutionStatus::Running => false,
        ExecutionStatus::Unspecified => return,
    };
    let (Ok(id), Ok(channel)) =
        (ExecutionId::from_slice(&execution.id), execution.channel.parse::<Channel>())
    else {
        return;
    };
    let by_message = execution.record.as_ref().is_none_or(v1::ExecutionRecord::began_by_message);
    let quarter_ms = id.accepted_at_ms().div_euclid(QUARTER_MS) * QUARTER_MS;
    let bucket = recorded.buckets.entry(BucketKey { account, workflow, channel, quarter_ms }).or_default();
    bucket.messages_received += i64::from(by_message);
    bucket.messages_sent += execution.replies_in_all.map_or(0, i64::from);
    if !is_finished {
        return;
    }
    let failed = execution.status() == ExecutionStatus::Failed;
    let duration_ms = execution.completed_at_ms.unwrap_or(execution.started_at_ms) - execution.started_at_ms;
    let mut one = Bucket {
        succeeded: i64::from(!failed),
        failed: i64::from(failed),
        duration_ms,
        ai: execution.ai.as_ref().map(usage).unwrap_or_default(),
        ..Bucket::default()
    };
    one.durations.add(duration_ms);
    bucket.add(&one);
    recorded.visits.insert(Visit { workflow, quarter_ms, customer: customer_key(&execution.customer_id) });
}

fn usage(ai: &v1::AiUsage) -> AiUsage {
    let big = |number| i64::try_from(number).unwrap_or(i64::MAX);
    AiUsage {
        answers: big(ai.answers),
        fallbacks: big(ai.fallbacks),
        prompt_tokens: big(ai.prompt_tokens),
        completion_tokens: big(ai.completion_tokens),
        cost_micros: big(ai.cost_micros),
    }
}

fn executions(recorded: &Recorded) -> u64 {
    let all = recorded.buckets.values().map(|bucket| bucket.succeeded + bucket.failed);
    u64::try_from(all.sum::<i64>()).unwrap_or(0)
}

/// A number of a bucket, by its name.
type Number = (&'static str, fn(&Bucket) -> i64);

/// The numbers of a bucket that can differ.
const NAMES: [Number; 10] = [
    ("succeeded", |bucket| bucket.succeeded),
    ("failed", |bucket| bucket.failed),
    ("duration_ms", |bucket| bucket.duration_ms),
    ("messages_received", |bucket| bucket.messages_received),
    ("messages_sent", |bucket| bucket.messages_sent),
    ("ai_answers", |bucket| bucket.ai.answers),
    ("ai_fallbacks", |bucket| bucket.ai.fallbacks),
    ("ai_prompt_tokens", |bucket| bucket.ai.prompt_tokens),
    ("ai_completion_tokens", |bucket| bucket.ai.completion_tokens),
    ("ai_cost_micros", |bucket| bucket.ai.cost_micros),
];

fn differences(stored: &Recorded, right: &Recorded) -> Vec<v1::MetricsDifference> {
    let mut differences = Vec::new();
    let none = Bucket::default();
    let mut keys: Vec<&BucketKey> = stored.buckets.keys().chain(right.buckets.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (is, should) =
            (stored.buckets.get(key).unwrap_or(&none), right.buckets.get(key).unwrap_or(&none));
        let mut differs = |name: &str, stored: i64, recorded: i64| {
            differences.push(v1::MetricsDifference {
                quarter_ms: key.quarter_ms,
                channel: key.channel.as_str().to_owned(),
                name: name.to_owned(),
                stored,
                recorded,
            });
        };
        for (name, of) in NAMES.into_iter().filter(|(_, of)| of(is) != of(should)) {
            differs(name, of(is), of(should));
        }
        if is.durations != should.durations {
            let median = |bucket: &Bucket| bucket.durations.quantile(50).unwrap_or(0);
            differs("durations (median)", median(is), median(should));
        }
    }
    let mut quarters: Vec<i64> =
        stored.visits.symmetric_difference(&right.visits).map(|v| v.quarter_ms).collect();
    quarters.dedup();
    for quarter_ms in quarters {
        let of = |recorded: &Recorded| {
            let n = recorded.visits.iter().filter(|visit| visit.quarter_ms == quarter_ms).count();
            i64::try_from(n).unwrap_or(i64::MAX)
        };
        differences.push(v1::MetricsDifference {
            quarter_ms,
            channel: String::new(),
            name: "unique_customers".to_owned(),
            stored: of(stored),
            recorded: of(right),
        });
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one execution counts: finished ones, messages received, messages sent.
    fn counted(status: ExecutionStatus, record: v1::ExecutionRecord) -> (i64, i64, i64) {
        let (account, workflow) = (AccountId::named("default"), WorkflowId::new(uuid::Uuid::from_u128(1)));
        let execution = v1::Execution {
            id: uuid::Uuid::from_u128(2).as_bytes().to_vec().into(),
            channel: "web".to_owned(),
            status: status.into(),
            record: Some(record),
            replies_in_all: Some(2),
            ..v1::Execution::default()
        };
        let mut recorded = Recorded::default();
        add(&mut recorded, account, workflow, &execution);
        let bucket = recorded.buckets.into_values().next().unwrap_or_default();
        (bucket.succeeded + bucket.failed, bucket.messages_received, bucket.messages_sent)
    }

    #[test]
    fn only_what_a_message_began_counts_as_received() {
        let record = v1::ExecutionRecord::default();
        assert_eq!(counted(ExecutionStatus::Success, record.clone()), (1, 1, 2));
        for record in [
            v1::ExecutionRecord { started_by_api: true, ..record.clone() },
            v1::ExecutionRecord { started_by_timer: true, ..record.clone() },
            v1::ExecutionRecord { started_by_release: true, ..record.clone() },
            v1::ExecutionRecord { retry_of: vec![1].into(), ..record },
        ] {
            assert_eq!(counted(ExecutionStatus::Failed, record), (1, 0, 2));
        }
    }

    #[test]
    fn what_a_running_one_has_told_counts() {
        assert_eq!(counted(ExecutionStatus::Running, v1::ExecutionRecord::default()), (0, 1, 2));
    }
}
