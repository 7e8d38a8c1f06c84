//! Pages of a long list: those that are found by counters are those that a walk by cursor meets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{Stack, workflow};
use contracts::v1::{ExecutionStatus, ListExecutionsRequest};
use flow_model::WorkflowId;

/// Finished executions, over several slices.
const FINISHED: i64 = 4000;
/// Running ones, among them.
const RUNNING: i64 = 60;
const HOUR_MS: i64 = 3_600_000;
/// Rows of a page; a prime number, so that pages end anywhere.
const LIMIT: u32 = 97;

const DAY_MS: i64 = 24 * HOUR_MS;
const SLICE_MS: i64 = 30 * DAY_MS;
/// They start in so many days, at any half of an hour.
const DAYS: i64 = 100;

/// Rows of any channel and status as the runner would have committed them; the same in every run, some at the same moment.
const ROWS: &str = "
    INSERT INTO executions SELECT md5('id' || n)::uuid, $1, $2, 1, md5('c' || n)::uuid, 'c' || n, 1 + (h / 7) % 5,
        CASE WHEN h % 7 < 5 THEN 2 ELSE 3 END, $3::timestamptz + interval '30 min' * (h % $4::bigint), $3::timestamptz + interval '101 days', 0, ''
    FROM (SELECT n, abs(hashint8(n)::bigint) AS h FROM generate_series(1, $5::bigint) AS n) AS numbers";
const COUNTERS: &str = "
    INSERT INTO counters SELECT workflow_id, to_timestamp(floor(extract(epoch FROM started_at) / 3600 / hours) * 3600 * hours), channel,
        status, 0, count(*), hours
    FROM executions, (VALUES (1), (720)) AS counted (hours) GROUP BY 1, 2, 3, 4, 7";
const RUNNING_ROWS: &str = "
    INSERT INTO running_executions SELECT md5('run' || n)::uuid, $1, $2, 1, md5('r' || n)::uuid, 'r' || n, 1 + n % 5,
        $3::timestamptz + interval '30 min' * (abs(hashint8(-n)::bigint) % $4::bigint), 0, '', ''
    FROM generate_series(1, $5::bigint) AS n";

/// Fills the tables from an hour in the middle of a slice on, and gives that hour. Runners start afterwards: they make
/// slices, too.
async fn fill(stack: &Stack, workflow: WorkflowId) -> i64 {
    let sql = stack.sql().await;
    let this = platform::clock::now_ms().div_euclid(SLICE_MS);
    for slice in this - 4..=this {
        let (from, to) = (slice * SLICE_MS / 1000, (slice + 1) * SLICE_MS / 1000);
        let make = format!(
            "CREATE TABLE executions_{slice} PARTITION OF executions FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({to}))"
        );
        sql.batch_execute(&make).await.unwrap();
    }
    let start_ms = (this - 4) * SLICE_MS + 5 * DAY_MS;
    let start = chrono::DateTime::from_timestamp_millis(start_ms).unwrap();
    let (account, workflow, moments) = (*stack.account.as_uuid(), *workflow.as_uuid(), DAYS * 48);
    sql.execute(ROWS, &[&account, &workflow, &start, &moments, &FINISHED]).await.unwrap();
    sql.execute(COUNTERS, &[]).await.unwrap();
    sql.execute(RUNNING_ROWS, &[&account, &workflow, &start, &moments, &RUNNING]).await.unwrap();
    start_ms
}

/// The ids of a whole list, page after page.
async fn walk(stack: &Stack, list: &ListExecutionsRequest) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = stack.list(ListExecutionsRequest { cursor, ..list.clone() }).await;
        ids.extend(page.executions.iter().map(|execution| execution.id.to_vec()));
        if page.next_cursor.is_empty() {
            assert_eq!(ids.len() as u64, page.total);
            return ids;
        }
        cursor = page.next_cursor;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_however_deep_is_what_a_walk_by_cursor_meets_there() {
    let stack = Stack::start().await;
    let workflow = workflow();
    let start_ms = fill(&stack, workflow).await;
    let runner = stack.runner("one").await;
    let all = ListExecutionsRequest { limit: LIMIT, ..stack.list_of(workflow) };
    let span = |from_ms: i64, to_ms: i64| (Some(start_ms + from_ms), Some(start_ms + to_ms));
    let mut deep = 0;
    for status in [ExecutionStatus::Unspecified, ExecutionStatus::Success, ExecutionStatus::Failed] {
        for channel in ["", "voice"] {
            for (start_at_ms, end_at_ms) in [
                (None, None),
                span(HOUR_MS / 2, 95 * DAY_MS + HOUR_MS / 3),
                span(HOUR_MS, 60 * DAY_MS - 1),
                (Some(start_ms + 1), None),
            ] {
                let channel = channel.to_owned();
                let list = ListExecutionsRequest {
                    status: status.into(),
                    channel,
                    start_at_ms,
                    end_at_ms,
                    ..all.clone()
                };
                let walked = walk(&stack, &list).await;
                for (number, expected) in walked.chunks(LIMIT as usize).enumerate() {
                    let page = u32::try_from(number).unwrap() + 1;
                    let found = stack.list(ListExecutionsRequest { page, ..list.clone() }).await;
                    let ids: Vec<Vec<u8>> = found.executions.iter().map(|row| row.id.to_vec()).collect();
                    assert_eq!(ids, expected, "page {page} of {list:?}");
                    deep += usize::from(number * LIMIT as usize > 1000);
                }
            }
        }
    }
    assert!(deep > 150, "{deep} deep pages");
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_last_page_has_no_next_one() {
    let stack = Stack::start().await;
    let workflow = workflow();
    fill(&stack, workflow).await;
    let runner = stack.runner("one").await;
    let all = stack.list_of(workflow);
    for (status, page, limit) in [
        (ExecutionStatus::Running, 1, 60),
        (ExecutionStatus::Running, 3, 20),
        // 4060 rows of any status.
        (ExecutionStatus::Unspecified, 58, 70),
    ] {
        let last = ListExecutionsRequest { status: status.into(), page, limit, ..all.clone() };
        let found = stack.list(last).await;
        assert_eq!((found.executions.len(), found.next_cursor.as_str()), (limit as usize, ""), "{page}");
    }
    runner.stop().await;
}
