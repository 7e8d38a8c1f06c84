//! Reads the events of the bus into facts that count.
//!
//! Fields and types that this version does not know are passed over: a newer runner may tell more.

use std::borrow::Cow;

use flow_model::{AccountId, Channel, ExecutionId, WorkflowId};
use flow_rollup::{BucketKey, Fact, Place, What};
use serde::Deserialize;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    partition: u32,
    commit_no: u64,
    index: u32,
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    workflow_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    execution_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    duration_ms: Option<i64>,
}

/// The facts of one bus message, in order. The account is in the subject, `events.<account>.<type>`.
pub fn read(account: AccountId, payload: &[u8]) -> Result<Vec<Fact>, serde_json::Error> {
    let events: Vec<Event<'_>> = serde_json::from_slice(payload)?;
    Ok(events.iter().map(|event| fact(account, event)).collect())
}

fn fact(account: AccountId, event: &Event<'_>) -> Fact {
    let data = &event.data;
    let of = || {
        Some(BucketKey {
            account,
            workflow: data.workflow_id.as_deref()?.parse::<WorkflowId>().ok()?,
            channel: data.channel.parse::<Channel>().ok()?,
            // Everything of an execution counts at its start, as in the lists of executions.
            quarter_ms: data.execution_id.as_deref()?.parse::<ExecutionId>().ok()?.accepted_at_ms(),
        })
    };
    let what = match event.r#type.as_ref() {
        "message.received" => What::MessageReceived,
        "message.sent" => What::MessageSent,
        "workflow.completed" => What::Completed {
            failed: data.status.as_deref() == Some("failed"),
            duration_ms: data.duration_ms.unwrap_or(0),
        },
        _ => What::Other,
    };
    let place = Place { commit_no: data.commit_no, index: data.index };
    Fact { partition: data.partition, place, of: of(), what }
}
