//! Whether the API tells exactly what was filled in: everything is counted by SQL and asked for over HTTP.

use std::ops::Range;

use anyhow::Context;
use flow_model::{ExecutionId, WorkflowId};
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use super::asks::{Facts, PAGE_ROWS, within};
use super::draw::DAY_MS;
use super::fill::time;
use crate::api::{Api, number, text};
use crate::number::index;
use crate::progress;

/// Customers that are asked for.
const CUSTOMERS: i64 = 5;
/// Executions whose details are asked for.
const EXECUTIONS: i64 = 20;
/// Workflows of a page.
const WORKFLOWS_PAGE: u64 = 100;

/// Looks at what was filled in.
pub(super) async fn facts(
    client: &Client,
    workflows: &[Uuid],
    largest: u64,
    span: &Range<i64>,
) -> anyhow::Result<Facts> {
    let first = workflows.first().context("there are no workflows")?;
    let customers = |order: &str| {
        format!(
            "SELECT customer_id FROM executions WHERE workflow_id = $1 GROUP BY customer_id
             ORDER BY count(*) {order}, customer_id LIMIT {CUSTOMERS}"
        )
    };
    let many = texts(client, &customers("DESC"), first).await?;
    let few = texts(client, &customers("ASC"), first).await?;
    // Of the whole year: ids end in what looks random.
    let some = format!(
        "SELECT id FROM executions WHERE workflow_id = $1 ORDER BY right(id::text, 8) LIMIT {EXECUTIONS}"
    );
    let rows = client.query(&some, &[first]).await?;
    let executions = rows.iter().map(|row| ExecutionId::new(row.get(0)).to_string()).collect();
    let workflows = workflows.iter().map(|id| WorkflowId::new(*id).to_string()).collect();
    Ok(Facts { workflows, largest, span: span.clone(), many, few, executions })
}

async fn texts(client: &Client, statement: &str, workflow: &Uuid) -> anyhow::Result<Vec<String>> {
    Ok(client.query(statement, &[workflow]).await?.iter().map(|row| row.get(0)).collect())
}

/// Compares; gives what is wrong.
pub(super) async fn everything(
    api: &mut Api,
    client: &Client,
    workflows: &[Uuid],
    sizes: &[u64],
    facts: &Facts,
) -> anyhow::Result<Vec<String>> {
    let mut problems = sizes_of_all(api, client, workflows, sizes).await?;
    let first = workflows.first().context("there are no workflows")?;
    problems.extend(totals(api, client, first, facts).await?);
    problems.extend(metrics(api, client, first, facts).await?);
    for page in [1, facts.deep_page()] {
        problems.extend(rows_of(api, client, first, facts, page).await?);
    }
    for id in &facts.executions {
        let path = format!("{}/executions/{id}", facts.workflow());
        let told = api.get(&path).await?;
        let steps = told.pointer("/data/steps").and_then(Value::as_array).map_or(0, Vec::len);
        if steps == 0 {
            problems.push(format!("{path} has no steps"));
        }
    }
    let conversations = "SELECT count(*) FROM conversations WHERE $1::uuid IS NOT NULL";
    let conversations = counted(client, conversations, first).await?;
    problems.extend(compare(api, "/v1/conversations?limit=1", "/pagination/total", conversations).await?);
    Ok(problems)
}

/// Every workflow: as many as planned are in the table, and the list of workflows says so.
async fn sizes_of_all(
    api: &mut Api,
    client: &Client,
    workflows: &[Uuid],
    sizes: &[u64],
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let rows = client.query("SELECT workflow_id, count(*) FROM executions GROUP BY 1", &[]).await?;
    let is_there = |id: &Uuid| {
        let row = rows.iter().find(|row| row.get::<_, Uuid>(0) == *id);
        row.and_then(|row| u64::try_from(row.get::<_, i64>(1)).ok()).unwrap_or(0)
    };
    let mut told = Vec::new();
    for page in 1..=u64::try_from(workflows.len())?.div_ceil(WORKFLOWS_PAGE) {
        let listed = api.get(&format!("/v1/workflows?limit={WORKFLOWS_PAGE}&page={page}")).await?;
        told.extend(listed.pointer("/data").and_then(Value::as_array).cloned().unwrap_or_default());
    }
    for (id, size) in workflows.iter().zip(sizes) {
        let name = WorkflowId::new(*id).to_string();
        let listed = told.iter().find(|one| one.get("id").and_then(Value::as_str) == Some(&name));
        let listed = listed.map(|one| number(one, "/execution_count")).transpose()?;
        if is_there(id) != *size || listed != Some(*size) {
            let there = is_there(id);
            problems
                .push(format!("{name}: {size} executions planned, {there} in the table, {listed:?} listed"));
        }
    }
    progress::say(&format!("grow: compared the sizes of {} workflows", workflows.len()));
    Ok(problems)
}

/// Totals of the largest workflow's lists.
async fn totals(api: &mut Api, client: &Client, first: &Uuid, facts: &Facts) -> anyhow::Result<Vec<String>> {
    let mut lists: Vec<(String, String)> = vec![
        (String::new(), "true".to_owned()),
        ("&status=success".to_owned(), "status = 2".to_owned()),
        ("&status=failed".to_owned(), "status = 3".to_owned()),
        ("&status=running".to_owned(), "status = 1".to_owned()),
    ];
    for span in facts.dates() {
        let between = format!("started_at >= '{}' AND started_at < '{}'", time(span.start), time(span.end));
        lists.push((within(&span), between.clone()));
        lists.push((format!("&status=failed{}", within(&span)), format!("status = 3 AND {between}")));
    }
    for customer in facts.many.iter().chain(&facts.few) {
        // By the index that there is: a customer has one conversation.
        let theirs =
            format!("conversation_id = (SELECT id FROM conversations WHERE customer_id = '{customer}')");
        lists.push((format!("&customer_id={customer}"), theirs));
    }
    let mut problems = Vec::new();
    for (query, condition) in &lists {
        let statement = format!("SELECT count(*) FROM executions WHERE workflow_id = $1 AND {condition}");
        let expected = counted(client, &statement, first).await?;
        problems.extend(compare(api, &facts.listed(query), "/pagination/total", expected).await?);
    }
    progress::say(&format!("grow: compared the totals of {} lists", lists.len()));
    Ok(problems)
}

/// Metrics of a year, in two zones, and of a day: totals, distinct customers, and the sums of their series.
async fn metrics(api: &mut Api, client: &Client, first: &Uuid, facts: &Facts) -> anyhow::Result<Vec<String>> {
    let [day, _] = facts.dates();
    let year_end = facts.span.end.div_euclid(DAY_MS) * DAY_MS + DAY_MS;
    let year = year_end - 365 * DAY_MS..year_end;
    let (far, earlier) = facts.far_year();
    let far_year = year.start - earlier..year.end - earlier;
    let mut problems = Vec::new();
    for (path, series, span) in [
        (facts.year(), "/data/daily_metrics", year),
        (far, "/data/daily_metrics", far_year),
        (facts.day(), "/data/hourly_metrics", day),
    ] {
        let between = format!("started_at >= '{}' AND started_at < '{}'", time(span.start), time(span.end));
        for (what, counts, more) in [
            ("/data/metrics/total_executions", "count(*)", "true"),
            ("/data/metrics/total_messages_received", "count(*)", "true"),
            ("/data/metrics/successful_executions", "count(*)", "status = 2"),
            ("/data/metrics/failed_executions", "count(*)", "status = 3"),
            ("/data/metrics/unique_customers", "count(DISTINCT customer_id)", "true"),
        ] {
            let statement =
                format!("SELECT {counts} FROM executions WHERE workflow_id = $1 AND {between} AND {more}");
            let expected = counted(client, &statement, first).await?;
            problems.extend(compare(api, &path, what, expected).await?);
        }
        let told = api.get(&path).await?;
        let points = told.pointer(series).and_then(Value::as_array).cloned().unwrap_or_default();
        let sum: u64 = points.iter().map(|point| number(point, "/executions").unwrap_or(0)).sum();
        let total = number(&told, "/data/metrics/total_executions")?;
        if sum != total {
            problems.push(format!("{path}: the series adds up to {sum} and not to {total}"));
        }
    }
    progress::say("grow: compared the metrics of a year, in two zones, and of a day");
    Ok(problems)
}

/// The rows of a page, one by one.
async fn rows_of(
    api: &mut Api,
    client: &Client,
    first: &Uuid,
    facts: &Facts,
    page: u64,
) -> anyhow::Result<Option<String>> {
    let skip = i64::try_from((page - 1) * PAGE_ROWS)?;
    let statement = format!(
        "SELECT id FROM executions WHERE workflow_id = $1 ORDER BY started_at DESC, id DESC OFFSET {skip} LIMIT {PAGE_ROWS}"
    );
    let rows = client.query(&statement, &[first]).await?;
    let expected: Vec<String> = rows.iter().map(|row| ExecutionId::new(row.get(0)).to_string()).collect();
    let listed = api.get(&facts.listed(&format!("&page={page}"))).await?;
    let listed = listed.pointer("/data").and_then(Value::as_array).cloned().unwrap_or_default();
    let listed = listed.iter().map(|row| text(row, "/id").map(str::to_owned));
    let listed: Vec<String> = listed.collect::<Result<_, _>>()?;
    progress::say(&format!("grow: compared the {} rows of page {page}", listed.len()));
    let is_right = listed == expected && (listed.len() == index(PAGE_ROWS) || facts.largest < PAGE_ROWS);
    Ok((!is_right).then(|| format!("page {page} has {listed:?} and should have {expected:?}")))
}

async fn counted(client: &Client, statement: &str, workflow: &Uuid) -> anyhow::Result<u64> {
    let row = client.query_one(statement, &[workflow]).await.with_context(|| statement.to_owned())?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

async fn compare(api: &mut Api, path: &str, pointer: &str, expected: u64) -> anyhow::Result<Option<String>> {
    let told = number(&api.get(path).await?, pointer)?;
    Ok((told != expected).then(|| format!("{path} says {pointer} is {told}, and there are {expected}")))
}
