//! The numbers of one workflow over a span of time.

use std::collections::{BTreeMap, HashMap};

use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_rollup::{Bucket, Granularity, Reached, Span, intervals};

use super::{failure, ids};
use crate::runner::Runner;
use crate::store::{Measured, Measurement, Store};

/// Elements of a series at most.
const POINTS_MAX: usize = 2000;

/// Answers a request that came at `now_ms`.
pub(crate) async fn measure(
    store: &Store,
    runner: &Runner,
    request: v1::GetMetricsRequest,
    now_ms: i64,
) -> Result<v1::GetMetricsResponse, Failure> {
    let (account, workflow) = ids(&request.account_id, &request.workflow_id)?;
    let span = Span::around(request.start_ms, request.end_ms);
    let zone: chrono_tz::Tz = request
        .timezone
        .parse()
        .map_err(|_| Failure::because(ErrorCode::InvalidRequest, "Unknown time zone").at("timezone"))?;
    let intervals = intervals(span, granularity(&request), zone, POINTS_MAX).map_err(|_| {
        let details = format!("The period has more than {POINTS_MAX} buckets of this granularity");
        Failure::because(ErrorCode::InvalidRequest, details).at("granularity")
    })?;
    // Asked first: what was committed by then is counted, or is known to be missing.
    let commits = runner.commits().await.ok();
    let wanted = Measurement { account, workflow, span, intervals: intervals.clone() };
    let measured = store.measure(wanted).await.map_err(|error| failure(&error))?;
    let as_of_ms = as_of(commits.as_ref(), &measured.reached, now_ms);
    let mut series = vec![v1::Numbers::default(); intervals.len()];
    for (position, _, bucket) in &measured.parts {
        if let Some(point) = series.get_mut(*position) {
            add(point, bucket);
        }
    }
    let points = intervals.into_iter().zip(series);
    Ok(v1::GetMetricsResponse {
        start_ms: span.start_ms,
        end_ms: span.end_ms,
        totals: Some(totals(&measured)),
        unique_customers: measured.customers,
        channels: channels(&measured),
        p50_duration_ms: measured.durations.quantile(50),
        p95_duration_ms: measured.durations.quantile(95),
        p99_duration_ms: measured.durations.quantile(99),
        series: points
            .map(|(interval, numbers)| v1::SeriesPoint { label: interval.label, numbers: Some(numbers) })
            .collect(),
        as_of_ms,
        complete: commits.is_some() && as_of_ms >= span.end_ms.min(now_ms),
    })
}

fn granularity(request: &v1::GetMetricsRequest) -> Granularity {
    match request.granularity() {
        v1::Granularity::Hour => Granularity::Hour,
        v1::Granularity::Day | v1::Granularity::Unspecified => Granularity::Day,
        v1::Granularity::Week => Granularity::Week,
        v1::Granularity::Month => Granularity::Month,
    }
}

/// Everything that was committed before this is counted. Without an answer of the runners it is only known how far each
/// partition was counted when it last told something: any of them may have told more since.
fn as_of(commits: Option<&HashMap<u32, u64>>, reached: &HashMap<u32, Reached>, now_ms: i64) -> i64 {
    let Some(commits) = commits else {
        return reached.values().map(|reached| reached.at_ms).min().unwrap_or(0);
    };
    let lagging = commits.iter().filter_map(|(partition, commit_no)| {
        let reached = reached.get(partition).copied().unwrap_or_default();
        (reached.place.commit_no < *commit_no).then_some(reached.at_ms)
    });
    lagging.min().unwrap_or(now_ms)
}

fn add(numbers: &mut v1::Numbers, bucket: &Bucket) {
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    numbers.succeeded += count(bucket.succeeded);
    numbers.failed += count(bucket.failed);
    numbers.duration_ms += count(bucket.duration_ms);
    numbers.messages_received += count(bucket.messages_received);
    numbers.messages_sent += count(bucket.messages_sent);
    if !bucket.ai.is_none() {
        let ai = numbers.ai.get_or_insert_default();
        ai.answers += count(bucket.ai.answers);
        ai.fallbacks += count(bucket.ai.fallbacks);
        ai.prompt_tokens += count(bucket.ai.prompt_tokens);
        ai.completion_tokens += count(bucket.ai.completion_tokens);
        ai.cost_micros += count(bucket.ai.cost_micros);
    }
}

fn totals(measured: &Measured) -> v1::Numbers {
    let mut totals = v1::Numbers::default();
    measured.parts.iter().for_each(|(_, _, bucket)| add(&mut totals, bucket));
    totals
}

fn channels(measured: &Measured) -> Vec<v1::ChannelExecutions> {
    let mut by_name: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, channel, bucket) in &measured.parts {
        let executions = u64::try_from(bucket.succeeded + bucket.failed).unwrap_or(0);
        *by_name.entry(channel).or_default() += executions;
    }
    let ran = by_name.into_iter().filter(|(_, executions)| *executions > 0);
    ran.map(|(channel, executions)| v1::ChannelExecutions { channel: channel.to_owned(), executions })
        .collect()
}

#[cfg(test)]
mod tests {
    use flow_rollup::Place;

    use super::*;

    fn reached(rows: &[(u32, u64, i64)]) -> HashMap<u32, Reached> {
        let row = |(partition, commit_no, at_ms): &(u32, u64, i64)| {
            (*partition, Reached { place: Place { commit_no: *commit_no, index: 0 }, at_ms: *at_ms })
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn numbers_are_as_of_now_when_nothing_is_missing() {
        let commits = HashMap::from([(1, 5), (2, 7)]);
        assert_eq!(as_of(Some(&commits), &reached(&[(1, 5, 10), (2, 8, 20)]), 99), 99);
        assert_eq!(as_of(Some(&HashMap::new()), &HashMap::new(), 99), 99);
    }

    #[test]
    fn without_an_answer_of_the_runners_they_are_as_of_the_first_partition_that_may_be_behind() {
        assert_eq!(as_of(None, &reached(&[(1, 5, 30), (2, 8, 20)]), 99), 20);
        assert_eq!(as_of(None, &HashMap::new(), 99), 0);
    }

    #[test]
    fn they_are_as_of_the_partition_that_is_furthest_behind() {
        let commits = HashMap::from([(1, 6), (2, 9), (3, 1)]);
        assert_eq!(as_of(Some(&commits), &reached(&[(1, 5, 30), (2, 8, 20), (3, 1, 5)]), 99), 20);
        assert_eq!(as_of(Some(&commits), &reached(&[(1, 6, 30), (2, 9, 20)]), 99), 0);
    }
}
