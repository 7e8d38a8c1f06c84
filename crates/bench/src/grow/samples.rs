//! Real executions, which the filled ones repeat: made over the API, by the last workflow.

use anyhow::Context;
use contracts::v1;
use prost::Message;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::http::{Connection, Request, Target};
use crate::number::count;

/// Real executions of each kind.
pub(super) const EACH: u64 = 16;

/// What the filled executions repeat.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    /// Whose executions they are.
    pub account: Uuid,
    /// The numbers of success and failure.
    pub statuses: [i16; 2],
    /// The number of the channel.
    pub channel: i16,
    /// Replies of each one that succeeded, and of each one that failed.
    pub replies: [Vec<i64>; 2],
}

/// Has executions made, some of which fail.
pub(super) async fn make(target: &Target, keyword: &str) -> anyhow::Result<()> {
    let (mut request, mut connection) =
        (Request::of(target, Some("wait=30")), Connection::to(target.address));
    for n in 0..EACH * 2 {
        let text = if n < EACH { format!("{keyword} it is {n}") } else { format!("{keyword} what is {n}?") };
        let body = json!({"customer_id": format!("sample-{n}"), "channel": "web", "message": text});
        request.send("POST", "/v1/messages", &serde_json::to_vec(&body)?);
        let (status, answer) = connection.exchange(&request).await.context("a message is not answered")?;
        anyhow::ensure!(
            status == 200,
            "a message is answered with {status}: {}",
            String::from_utf8_lossy(answer)
        );
    }
    Ok(())
}

/// Keeps them beside the tables that are filled, for as long as the connection lives.
pub(super) async fn take(client: &Client, workflow: Uuid) -> anyhow::Result<Samples> {
    client.batch_execute(TABLE).await.context("the samples cannot be kept")?;
    let kept = client.execute(KEEP, &[&workflow]).await.context("the samples cannot be kept")?;
    anyhow::ensure!(kept == EACH * 2, "{kept} of {} samples have executions", EACH * 2);
    let rows = client.query(READ, &[]).await?;
    let first = rows.first().context("there are no samples")?;
    let (account, channel) = (first.get(0), first.get(1));
    let [success, failed] = [v1::ExecutionStatus::Success, v1::ExecutionStatus::Failed].map(i16_of);
    let mut replies = [Vec::new(), Vec::new()];
    for row in &rows {
        let record =
            v1::ExecutionRecord::decode(row.get::<_, &[u8]>(3)).context("a sample cannot be read")?;
        let many = i64::try_from(record.replies.len()).unwrap_or(0);
        let [of_success, of_failed] = &mut replies;
        if row.get::<_, i16>(2) == success { of_success.push(many) } else { of_failed.push(many) }
    }
    let [of_success, of_failed] = &replies;
    let are_there = [of_success, of_failed].iter().all(|replies| count(replies.len()) == EACH);
    anyhow::ensure!(are_there, "{} samples succeeded and {} failed", of_success.len(), of_failed.len());
    Ok(Samples { account, statuses: [success, failed], channel, replies })
}

fn i16_of(status: v1::ExecutionStatus) -> i16 {
    i16::try_from(i32::from(status)).unwrap_or(0)
}

const TABLE: &str =
    "CREATE TEMP TABLE samples (account_id uuid, channel smallint, revision integer, status smallint,
    sample integer, record bytea, PRIMARY KEY (status, sample))";

const KEEP: &str = "INSERT INTO samples
SELECT account_id, channel, revision, status, row_number() OVER (PARTITION BY status ORDER BY id) - 1, record
FROM runner.executions WHERE workflow_id = $1";

const READ: &str = "SELECT account_id, channel, status, record FROM samples ORDER BY status, sample";
