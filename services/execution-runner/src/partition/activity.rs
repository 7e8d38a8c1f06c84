//! Activities: what the engine calls, as it is stored and handed to whoever does it.

use contracts::v1;
use flow_engine::{Call, CallKind};
use uuid::Uuid;

use super::port::Conversation;

/// An answer has failed after this, all attempts together; milliseconds.
const ANSWER_DEADLINE_MS: i64 = 90_000;
/// A request to another system has failed after this, all attempts together; milliseconds.
const HTTP_DEADLINE_MS: i64 = 60_000;

/// How long an activity may take in all, milliseconds. Less than the time for which the stream knows it again.
pub fn deadline_ms(kind: CallKind) -> i64 {
    match kind {
        CallKind::Answer => ANSWER_DEADLINE_MS,
        CallKind::Http => HTTP_DEADLINE_MS,
    }
}

/// The kind as subjects and rows spell it.
pub fn kind_name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Answer => "answer",
        CallKind::Http => "http",
    }
}

/// The id of the activity that a conversation waits for. The same wait always has the same one.
pub fn id_of(conversation: &Conversation) -> Uuid {
    let name = format!("activity {}", conversation.wait_no);
    Uuid::new_v5(conversation.id.as_uuid(), name.as_bytes())
}

/// The activity that a conversation has begun to wait for.
pub fn plan(
    call: &Call,
    conversation: &Conversation,
    execution: &v1::Execution,
    now_ms: i64,
) -> v1::Activity {
    v1::Activity {
        id: id_of(conversation).into_bytes().to_vec().into(),
        kind: kind_name(call.kind).to_owned(),
        request_json: serde_json::Value::Object(call.request.clone()).to_string().into(),
        partition: conversation.partition,
        account_id: execution.account_id.clone(),
        conversation_id: execution.conversation_id.clone(),
        customer_id: execution.customer_id.clone(),
        channel: execution.channel.clone(),
        wait_no: conversation.wait_no,
        planned_at_ms: now_ms,
        deadline_at_ms: now_ms.saturating_add(deadline_ms(call.kind)),
        traceparent: String::new(),
        execution_id: execution.id.clone(),
    }
}

/// The input that tells how an activity ended.
pub fn result(
    activity: &v1::Activity,
    now_ms: i64,
    ended: Result<bytes::Bytes, v1::ActivityFailure>,
) -> v1::Input {
    let (output_json, failure) = match ended {
        Ok(output_json) => (output_json, None),
        Err(failure) => (bytes::Bytes::new(), Some(failure)),
    };
    v1::Input {
        partition: activity.partition,
        account_id: activity.account_id.clone(),
        execution_id: activity.execution_id.clone(),
        customer_id: activity.customer_id.clone(),
        channel: activity.channel.clone(),
        accepted_at_ms: now_ms,
        traceparent: activity.traceparent.clone(),
        answer_to: String::new(),
        kind: Some(v1::input::Kind::Result(v1::ActivityResult {
            wait_no: activity.wait_no,
            activity_id: activity.id.clone(),
            output_json,
            failure,
        })),
    }
}
