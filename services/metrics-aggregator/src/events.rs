//! Reads the events of the bus into facts that count.
//!
//! Fields and types that this version does not know are passed over: a newer runner may tell more.

use std::borrow::Cow;

use chrono::DateTime;
use contracts::cost::to_micros;
use flow_model::{AccountId, Channel, ExecutionId, WorkflowId};
use flow_rollup::{AiUsage, BucketKey, Fact, Place, What, customer_key};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
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
    customer_id: Cow<'a, str>,
    #[serde(borrow)]
    workflow_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    execution_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    duration_ms: Option<i64>,
    ai: Option<Ai>,
}

/// What the AI answers of an execution took; the cost in whole units of its currency.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Ai {
    answers: u32,
    fallbacks: u32,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: f64,
}

impl Ai {
    fn usage(&self) -> AiUsage {
        let big = |number| i64::try_from(number).unwrap_or(i64::MAX);
        AiUsage {
            answers: self.answers.into(),
            fallbacks: self.fallbacks.into(),
            prompt_tokens: big(self.prompt_tokens),
            completion_tokens: big(self.completion_tokens),
            cost_micros: to_micros(self.cost),
        }
    }
}

/// The facts of one bus message, in order. The account is in the subject, `events.<account>.<type>`. What cannot be read
/// has no facts, and is told to the log.
#[must_use]
pub fn read(subject: &str, payload: &[u8]) -> Vec<Fact> {
    let account = subject.split('.').nth(1).and_then(|text| Uuid::try_parse(text).ok());
    let Some(account) = account.map(AccountId::new) else {
        tracing::error!(subject, "a subject names no account");
        return Vec::new();
    };
    match serde_json::from_slice::<Vec<Event<'_>>>(payload) {
        Ok(events) => events.iter().map(|event| fact(account, event)).collect(),
        Err(error) => {
            tracing::error!(subject, %error, "events cannot be read");
            metrics::counter!("turnloom_metrics_events_unreadable_total").increment(1);
            Vec::new()
        }
    }
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
            customer: customer_key(&data.customer_id),
            failed: data.status.as_deref() == Some("failed"),
            duration_ms: data.duration_ms.unwrap_or(0),
            ai: data.ai.as_ref().map(Ai::usage).unwrap_or_default(),
        },
        _ => What::Other,
    };
    // Most events count nowhere, and three ids are to be read for where they would.
    let of = if matches!(what, What::Other) { None } else { of() };
    let place = Place { commit_no: data.commit_no, index: data.index };
    let at_ms = DateTime::parse_from_rfc3339(&event.time).map_or(0, |time| time.timestamp_millis());
    Fact { partition: data.partition, place, at_ms, of, what }
}
