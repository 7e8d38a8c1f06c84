//! Bodies and words of the operations on conversations.

use serde::Serialize;
use utoipa::ToSchema;

/// `idle`: the next message is matched against triggers. `with_human`: a person has it, and the bot is silent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum ConversationState {
    Idle,
    Waiting,
    Running,
    WithHuman,
}

/// Who answers the customer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum OwnerKind {
    Bot,
    Human,
}

/// `input`: the customer. `activity`: something slow, such as an AI answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum WaitReason {
    Input,
    Timer,
    Activity,
    Human,
}

/// Who said it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Author {
    Customer,
    Bot,
    Human,
}

/// Who gets a conversation.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Assignment {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 128)]
    team: Option<String>,
    #[schema(value_type = String, required = false, min_length = 1, max_length = 128)]
    agent: Option<String>,
    /// What that person should know.
    #[schema(value_type = String, required = false, max_length = 4096)]
    note: Option<String>,
    /// Without an act of a person for so long the bot has it again; `30m`, `PT8H`; a setting of the runners unless given.
    #[schema(value_type = String, required = false, examples("8h"))]
    return_after: Option<String>,
}

/// What a person says.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewConversationMessage {
    #[schema(min_length = 1, max_length = 4096)]
    message: String,
    /// Who says it; whoever the conversation is assigned to unless given.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 128)]
    agent: Option<String>,
}
