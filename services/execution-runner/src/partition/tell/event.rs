//! An event as subscribers get it: CloudEvents 1.0 in JSON.

use bytes::Bytes;
use contracts::cost::from_micros;
use contracts::v1;
use flow_model::{ConversationId, ExecutionId, WorkflowId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::partition::port::OutboxKey;

/// What a bus message of events is: a JSON array of events (`CloudEvents` 1.0, JSON batch format).
pub const BATCH_CONTENT_TYPE: &str = "application/cloudevents-batch+json";
/// The version of the specification.
pub const SPECVERSION: &str = "1.0";
/// Who tells all of them.
pub const SOURCE: &str = "/turnloom/execution-runner";
/// What the `data` of an event are.
pub const DATA_CONTENT_TYPE: &str = "application/json";

/// Types of events, in the order in which one commit's are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// The first input of an (account, customer).
    CustomerCreated,
    /// A customer's message was taken in.
    MessageReceived,
    /// A trigger started a workflow.
    TriggerActivated,
    /// An execution began.
    WorkflowStarted,
    /// A reply was recorded.
    MessageSent,
    /// An execution is over, whether it succeeded or failed.
    WorkflowCompleted,
    /// An execution failed.
    WorkflowFailed,
    /// A conversation went to a person.
    ConversationAssigned,
    /// The bot has a conversation again.
    ConversationReleased,
}

impl EventType {
    /// All of them, in that order.
    pub const ALL: [Self; 9] = [
        Self::CustomerCreated,
        Self::MessageReceived,
        Self::TriggerActivated,
        Self::WorkflowStarted,
        Self::MessageSent,
        Self::WorkflowCompleted,
        Self::WorkflowFailed,
        Self::ConversationAssigned,
        Self::ConversationReleased,
    ];

    /// As subscribers spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomerCreated => "customer.created",
            Self::MessageReceived => "message.received",
            Self::TriggerActivated => "trigger.activated",
            Self::WorkflowStarted => "workflow.started",
            Self::MessageSent => "message.sent",
            Self::WorkflowCompleted => "workflow.completed",
            Self::WorkflowFailed => "workflow.failed",
            Self::ConversationAssigned => "conversation.assigned",
            Self::ConversationReleased => "conversation.released",
        }
    }
}

/// One event.
#[derive(Serialize, ToSchema)]
pub struct Event<'a> {
    /// Always `1.0`.
    specversion: &'static str,
    /// The same however often the event is published: drop an id that was handled before.
    #[schema(pattern = "^event-[0-9a-f-]{36}$")]
    id: String,
    /// Who tells it.
    source: &'static str,
    /// What happened.
    r#type: &'static str,
    /// When it happened.
    #[schema(format = DateTime)]
    time: String,
    /// The conversation, as `data.conversation_id`.
    #[schema(value_type = String)]
    subject: ConversationId,
    /// Always `application/json`.
    datacontenttype: &'static str,
    /// The conversation too: events of one conversation are in order (`CloudEvents` extension "partitioning").
    #[schema(value_type = String)]
    partitionkey: ConversationId,
    data: &'a Data<'a>,
}

/// What an event tells; a member that is absent does not belong to its type.
#[derive(Serialize, Clone, Default, ToSchema)]
pub struct Data<'a> {
    /// The slice of all customers that this one belongs to.
    pub partition: u32,
    /// Goes up by one with each commit of the partition that tells something.
    pub commit_no: u64,
    /// The event's number in that commit, from 0: (`commit_no`, `index`) only goes up within a partition.
    pub index: u32,
    /// Numbers the events of a conversation from 1 without a gap, in the order in which they happened.
    #[schema(minimum = 1)]
    pub conversation_seq: u64,
    /// The conversation.
    #[schema(value_type = String, pattern = "^conversation-[0-9a-f-]{36}$")]
    pub conversation_id: ConversationId,
    /// The caller's own name for the customer.
    #[schema(min_length = 1, max_length = 128)]
    pub customer_id: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// The sender's id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub message_id: Option<&'a str>,
    /// What was said, by the customer or to the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub message: Option<&'a str>,
    /// The execution; a message that no workflow took has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, pattern = "^execution-[0-9a-f-]{36}$")]
    pub execution_id: Option<ExecutionId>,
    /// The execution's workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, pattern = "^workflow-[0-9a-f-]{36}$")]
    pub workflow_id: Option<WorkflowId>,
    /// The revision of the workflow's configuration that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32)]
    pub revision: Option<u32>,
    /// The keyword that was found in the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub keyword: Option<&'a str>,
    /// The same however often the reply is sent: the execution's id and the reply's number in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub reply_id: Option<String>,
    /// The node that replied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub node_id: Option<&'a str>,
    /// `success` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub status: Option<&'static str>,
    /// When the execution's message was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Option<String>,
    /// When the execution was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime)]
    pub completed_at: Option<String>,
    /// How long it took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, minimum = 0)]
    pub duration_ms: Option<i64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorData<'a>)]
    pub error: Option<ErrorData<'a>>,
    /// The team that has the conversation; empty when anybody may take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub team: Option<&'a str>,
    /// The person who has the conversation, or who said it; empty when it is nobody yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub agent: Option<&'a str>,
    /// What that person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub note: Option<&'a str>,
    /// Goes up with each change of the conversation's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64)]
    pub owner_epoch: Option<u64>,
    /// Why the conversation came back: `released`, or `timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub reason: Option<&'a str>,
    /// What its AI answers took; absent when it has no step of type `ai_response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AiData)]
    pub ai: Option<AiData>,
}

/// What the AI answers of an execution took.
#[derive(Debug, Serialize, Clone, Copy, PartialEq, ToSchema)]
pub struct AiData {
    /// Answers that were given.
    pub answers: u64,
    /// Times that the fallback was taken instead.
    pub fallbacks: u64,
    /// Tokens that a model read.
    pub prompt_tokens: u64,
    /// Tokens that a model said.
    pub completion_tokens: u64,
    /// By the prices of the settings, in their currency; to six decimals.
    #[schema(minimum = 0)]
    pub cost: f64,
}

impl From<v1::AiUsage> for AiData {
    fn from(usage: v1::AiUsage) -> Self {
        Self {
            answers: usage.answers,
            fallbacks: usage.fallbacks,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost: from_micros(i64::try_from(usage.cost_micros).unwrap_or(i64::MAX)),
        }
    }
}

/// Why an execution failed.
#[derive(Serialize, Clone, ToSchema)]
pub struct ErrorData<'a> {
    /// For programs, such as `STEP_LIMIT_EXCEEDED`.
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// The node; empty when none is to blame.
    pub node_id: &'a str,
}

/// Writes the event as JSON. Its id follows from its place, so it is the same however often it is published.
pub fn write(to: &mut Vec<u8>, event_type: EventType, time_ms: i64, data: &Data<'_>) {
    let event = Event {
        specversion: SPECVERSION,
        id: event_id(OutboxKey { partition: data.partition, commit_no: data.commit_no }, data.index),
        source: SOURCE,
        r#type: event_type.as_str(),
        time: platform::clock::rfc3339(time_ms),
        subject: data.conversation_id,
        datacontenttype: DATA_CONTENT_TYPE,
        partitionkey: data.conversation_id,
        data,
    };
    // Strings and numbers only, into memory: that cannot fail.
    serde_json::to_writer(to, &event).ok();
}

/// An event as one that reads its conversation gets it: its number there takes the place of what names it on the bus.
pub fn encode_for_history(
    event_type: EventType,
    time_ms: i64,
    conversation_seq: u64,
    data: &Data<'_>,
) -> Bytes {
    let mut data = serde_json::to_value(data).unwrap_or_default();
    if let Some(members) = data.as_object_mut() {
        for of_the_bus in ["partition", "commit_no", "index", "conversation_seq"] {
            members.remove(of_the_bus);
        }
    }
    let event = serde_json::json!({
        "conversation_seq": conversation_seq,
        "type": event_type.as_str(),
        "time": platform::clock::rfc3339(time_ms),
        "data": data,
    });
    event.to_string().into()
}

fn event_id(key: OutboxKey, index: u32) -> String {
    const EVENTS: Uuid = Uuid::from_u128(0x2c7d_90e1_5b1f_4d3c_8f64_a5b2_17c0_93de);
    let place = format!("{}/{}/{index}", key.partition, key.commit_no);
    format!("event-{}", Uuid::new_v5(&EVENTS, place.as_bytes()))
}
