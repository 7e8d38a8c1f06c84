//! A conversation as the API shows it.

use contracts::v1::{self, Author, WaitReason};
use flow_model::{ConversationId, ExecutionId, WorkflowId};
use platform::clock::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::openapi::schemas;

/// A customer of the account on one channel. Lists leave `variables` out.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(in crate::http) struct ConversationView {
    #[schema(examples("conversation-1f6b2c1e-7a0d-5b58-9d5e-0f3a52c5b0b4"))]
    id: String,
    customer_id: String,
    #[schema(value_type = schemas::Channel)]
    channel: String,
    #[schema(value_type = schemas::conversations::ConversationState)]
    state: &'static str,
    owner: OwnerView,
    /// The workflow that it is in; null when it is in none.
    #[schema(required)]
    workflow_id: Option<String>,
    /// The revision that it goes on with.
    #[schema(required)]
    revision: Option<u32>,
    /// The node that it waits at.
    #[schema(required)]
    node_id: Option<String>,
    /// What the flow knows, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>, required)]
    variables: Option<Box<RawValue>>,
    /// Null when it waits for nothing.
    #[schema(required)]
    waiting_because: Option<WaitView>,
    /// The execution that waits for something slow.
    #[schema(required)]
    running_execution_id: Option<String>,
    /// The last execution, when it failed and can be retried.
    #[schema(required)]
    failed_execution_id: Option<String>,
    /// Messages that wait until the running execution is over.
    messages_waiting: u32,
    /// The number of its last event.
    last_seq: u64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Who answers the customer.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationOwner)]
pub(in crate::http) struct OwnerView {
    #[schema(value_type = schemas::conversations::OwnerKind)]
    kind: &'static str,
    /// Goes up with each change of owner.
    epoch: u64,
    /// Of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    team: Option<String>,
    /// Of a person; absent when nobody has taken it yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    agent: Option<String>,
    /// What that person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, format = DateTime)]
    since: Option<String>,
    /// Then the bot has it again, unless the person does something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, format = DateTime)]
    until: Option<String>,
}

/// What a conversation waits for.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingBecause)]
pub(in crate::http) struct WaitView {
    #[schema(value_type = schemas::conversations::WaitReason)]
    reason: &'static str,
    #[schema(format = DateTime)]
    since: String,
    /// Null when there is no end that is known.
    #[schema(required, format = DateTime)]
    until: Option<String>,
}

/// Something that was said.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationMessage)]
pub(in crate::http) struct SaidView {
    id: String,
    #[schema(value_type = schemas::conversations::Author)]
    from: &'static str,
    message: String,
    #[schema(format = DateTime)]
    at: String,
    /// Its number among the events of the conversation.
    conversation_seq: u64,
    /// A customer's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    workflow_id: Option<String>,
    /// The node that said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    node_id: Option<String>,
    /// The person who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    agent: Option<String>,
}

/// A text that is not empty.
fn known(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn execution_name(bytes: &[u8]) -> Option<String> {
    ExecutionId::from_slice(bytes).ok().map(|id| id.to_string())
}

fn workflow_name(bytes: &[u8]) -> Option<String> {
    WorkflowId::from_slice(bytes).ok().map(|id| id.to_string())
}

impl ConversationView {
    /// With its variables.
    pub fn whole(conversation: v1::Conversation) -> Self {
        let wait = conversation.wait.as_ref();
        let known = wait.and_then(|wait| String::from_utf8(wait.variables_json.to_vec()).ok());
        let variables = known.unwrap_or_else(|| "{}".to_owned());
        let mut view = Self::brief(conversation);
        view.variables = RawValue::from_string(variables).ok();
        view
    }

    /// As lists have it.
    pub fn brief(conversation: v1::Conversation) -> Self {
        let v1::Conversation { wait, person, .. } = conversation;
        let running_execution_id = execution_name(&conversation.running_execution_id);
        let state = match (&running_execution_id, &person, &wait) {
            (Some(_), _, _) => "running",
            (None, Some(_), _) => "with_human",
            (None, None, Some(_)) => "waiting",
            (None, None, None) => "idle",
        };
        let waiting_because = wait.as_ref().map(|wait| WaitView {
            reason: match wait.reason() {
                WaitReason::Timer => "timer",
                WaitReason::Activity => "activity",
                WaitReason::Person => "human",
                WaitReason::Input | WaitReason::Unspecified => "input",
            },
            since: rfc3339(wait.since_ms),
            until: wait.until_ms.map(rfc3339),
        });
        let by_hand = person.as_ref().filter(|_| wait.is_none()).map(|person| WaitView {
            reason: "human",
            since: rfc3339(person.since_ms),
            until: Some(rfc3339(person.until_ms)),
        });
        Self {
            id: ConversationId::from_slice(&conversation.id).map(|id| id.to_string()).unwrap_or_default(),
            customer_id: conversation.customer_id,
            channel: conversation.channel,
            state,
            owner: OwnerView::new(person, conversation.owner_epoch),
            workflow_id: wait.as_ref().and_then(|wait| workflow_name(&wait.workflow_id)),
            revision: wait.as_ref().map(|wait| wait.revision),
            node_id: wait.map(|wait| wait.node_id),
            variables: None,
            waiting_because: waiting_because.or(by_hand),
            running_execution_id,
            failed_execution_id: execution_name(&conversation.failed_execution_id),
            messages_waiting: conversation.mailbox,
            last_seq: conversation.last_seq,
            created_at: rfc3339(conversation.created_at_ms),
            updated_at: rfc3339(conversation.updated_at_ms),
        }
    }
}

impl OwnerView {
    fn new(person: Option<v1::Person>, epoch: u64) -> Self {
        match person {
            None => {
                Self { kind: "bot", epoch, team: None, agent: None, note: None, since: None, until: None }
            }
            Some(person) => Self {
                kind: "human",
                epoch,
                team: known(person.team),
                agent: known(person.agent),
                note: known(person.note),
                since: Some(rfc3339(person.since_ms)),
                until: Some(rfc3339(person.until_ms)),
            },
        }
    }
}

impl From<v1::ConversationMessage> for SaidView {
    fn from(message: v1::ConversationMessage) -> Self {
        let from = match message.author() {
            Author::Customer | Author::Unspecified => "customer",
            Author::Bot => "bot",
            Author::Person => "human",
        };
        Self {
            id: message.id,
            from,
            message: message.text,
            at: rfc3339(message.at_ms),
            conversation_seq: message.conversation_seq,
            message_id: known(message.message_id),
            execution_id: execution_name(&message.execution_id),
            workflow_id: workflow_name(&message.workflow_id),
            node_id: known(message.node_id),
            agent: known(message.agent),
        }
    }
}
