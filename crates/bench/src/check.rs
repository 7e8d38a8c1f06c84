//! Whether everything that was acknowledged is there: totals of all, and single messages with their replies.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{Api, number, text};
use crate::progress;
use crate::talk::Said;

/// What is not there after nothing was added for so long is missing.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Single messages that are looked at.
pub const SAMPLES_MAX: usize = 500;
/// Problems that are kept.
const PROBLEMS_MAX: usize = 20;

/// What must be there.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Messages whose fate is not known: they may be there.
    pub unknown: u64,
    /// Replies of each message, when all have as many.
    pub replies_each: Option<u64>,
}

/// Looks for everything; gives what is wrong, nothing when all is well.
///
/// # Errors
/// When the API cannot be asked.
pub async fn everything(
    api: &mut Api,
    workflows: &[String],
    expected: &Expected,
    samples: &[Said],
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let total = settled_total(api, workflows, expected.acknowledged).await?;
    let most = expected.acknowledged + expected.unknown;
    if !(expected.acknowledged..=most).contains(&total) {
        problems.push(format!(
            "{} messages were acknowledged, {} more may have been taken, and there are {total} executions",
            expected.acknowledged, expected.unknown
        ));
    }
    let mut succeeded = 0;
    for workflow in workflows {
        succeeded += api.total(workflow, "&status=success").await?;
    }
    if succeeded != total {
        problems.push(format!("{} executions of {total} have not succeeded", total - succeeded));
    }
    if let Some(each) = expected.replies_each {
        problems.extend(replies_problem(api, workflows, total, total * each).await?);
    }
    for said in samples.iter().take(SAMPLES_MAX) {
        if let Err(error) = single(api, said).await {
            problems.push(format!("{} of {}: {error:#}", said.message_id, said.customer_id));
        }
    }
    problems.truncate(PROBLEMS_MAX);
    progress::say(&format!(
        "checked {total} executions in all, and {} single messages with their replies",
        samples.len().min(SAMPLES_MAX)
    ));
    Ok(problems)
}

/// How many executions there are, once all that are wanted are there or nothing is added any more.
async fn settled_total(api: &mut Api, workflows: &[String], wanted: u64) -> anyhow::Result<u64> {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let mut total = 0;
        for workflow in workflows {
            total += api.total(workflow, "").await?;
        }
        if total > last {
            (last, since) = (total, Instant::now());
        }
        if total >= wanted || since.elapsed() > PATIENCE {
            return Ok(total);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Compares the replies that the metrics count with those that there must be.
async fn replies_problem(
    api: &mut Api,
    workflows: &[String],
    executions: u64,
    replies: u64,
) -> anyhow::Result<Option<String>> {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let (mut counted, mut sent) = (0, 0);
        for workflow in workflows {
            let told = api.get(&format!("/v1/workflows/{workflow}/metrics")).await?;
            counted += number(&told, "/data/metrics/total_executions")?;
            sent += number(&told, "/data/metrics/total_messages_sent")?;
        }
        if (counted, sent) == (executions, replies) {
            return Ok(None);
        }
        if counted > last {
            (last, since) = (counted, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            return Ok(Some(format!(
                "the metrics count {counted} executions of {executions}, and {sent} replies of {replies}"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One message: it was handled, its execution succeeded, is the customer's, and has its replies.
async fn single(api: &mut Api, said: &Said) -> anyhow::Result<()> {
    let Said { message_id, customer_id } = said;
    let told = api.get(&format!("/v1/messages/{message_id}?channel=web&customer_id={customer_id}")).await?;
    anyhow::ensure!(text(&told, "/data/status")? == "handled", "it is not handled: {told}");
    let (workflow, execution) = (text(&told, "/data/workflow_id")?, text(&told, "/data/execution_id")?);
    let found = api.get(&format!("/v1/workflows/{workflow}/executions/{execution}")).await?;
    anyhow::ensure!(text(&found, "/data/status")? == "success", "its execution has failed: {found}");
    anyhow::ensure!(text(&found, "/data/customer_id")? == customer_id, "it is another customer's: {found}");
    anyhow::ensure!(text(&found, "/data/message_id")? == message_id, "it is another message's: {found}");
    let replies = found.pointer("/data/output/messages").and_then(Value::as_array).map_or(0, Vec::len);
    anyhow::ensure!(replies > 0, "its execution has no replies: {found}");
    Ok(())
}
