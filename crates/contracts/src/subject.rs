//! The names of subjects, streams and buckets on NATS. No other place spells them.

use flow_model::AccountId;

/// Stream of the frames, one subject `turns.<group>` per group of partitions.
pub const TURNS_STREAM: &str = "TURNS";
/// Stream of the events for subscribers, subjects `events.<account>.<type>`.
pub const EVENTS_STREAM: &str = "EVENTS";
/// All subjects of [`EVENTS_STREAM`].
pub const EVENTS_ALL: &str = "events.>";
/// Stream of the replies for channel senders, subjects `replies.<channel>.<group>`.
pub const REPLIES_STREAM: &str = "REPLIES";
/// All subjects of [`REPLIES_STREAM`].
pub const REPLIES_ALL: &str = "replies.>";
/// Stream of the activities that runners do for each other, subjects `activities.<kind>`.
pub const ACTIVITIES_STREAM: &str = "ACTIVITIES";
/// All subjects of [`ACTIVITIES_STREAM`].
pub const ACTIVITIES_ALL: &str = "activities.>";
/// Key-value bucket of workflow revisions, keys [`definition_key`].
pub const DEFINITIONS_BUCKET: &str = "definitions";
/// The stream that keeps [`DEFINITIONS_BUCKET`].
pub const DEFINITIONS_STREAM: &str = "KV_definitions";

/// Frames of one group of partitions. There is one group, `0`, unless an installation is set up with more.
#[must_use]
pub fn turns(group: u32) -> String {
    format!("turns.{group}")
}

/// Stream of one group's frames: each group is a stream of its own, so that each has its own fsync pipeline.
#[must_use]
pub fn turns_stream(group: u32) -> String {
    if group == 0 { TURNS_STREAM.to_owned() } else { format!("{TURNS_STREAM}_{group}") }
}

/// Events of one account and type; the type is the last two tokens, such as `message.sent`.
#[must_use]
pub fn events(account: AccountId, event_type: &str) -> String {
    format!("events.{}.{event_type}", account.as_uuid().as_simple())
}

/// Replies to send over one channel to the customers of one group of partitions.
#[must_use]
pub fn replies(channel: &str, group: u32) -> String {
    format!("replies.{channel}.{group}")
}

/// Activities of one kind.
#[must_use]
pub fn activities(kind: &str) -> String {
    format!("activities.{kind}")
}

/// Where one gateway process hears what became of the inputs that its callers wait for (core NATS, not stored).
#[must_use]
pub fn answers(gateway_instance: &str) -> String {
    format!("turnloom.answers.{gateway_instance}")
}

/// Key of one revision in [`DEFINITIONS_BUCKET`].
#[must_use]
pub fn definition_key(workflow: flow_model::WorkflowId, revision: u32) -> String {
    format!("{}.{revision}", workflow.as_uuid().as_simple())
}

/// Subjects of the requests that `workflow-catalog` answers.
pub mod catalog {
    /// `CreateWorkflowRequest` to `Workflow`.
    pub const CREATE: &str = "turnloom.catalog.v1.create";
    /// `GetWorkflowsRequest` to `GetWorkflowsResponse`.
    pub const GET: &str = "turnloom.catalog.v1.get";
    /// `ListWorkflowsRequest` to `ListWorkflowsResponse`.
    pub const LIST: &str = "turnloom.catalog.v1.list";
    /// `UpdateWorkflowRequest` to `Workflow`.
    pub const UPDATE: &str = "turnloom.catalog.v1.update";
    /// `DeleteWorkflowRequest` to `DeleteWorkflowResponse`.
    pub const DELETE: &str = "turnloom.catalog.v1.delete";
    /// `ActivateWorkflowRequest` to `Workflow`.
    pub const ACTIVATE: &str = "turnloom.catalog.v1.activate";
    /// `DeactivateWorkflowRequest` to `Workflow`.
    pub const DEACTIVATE: &str = "turnloom.catalog.v1.deactivate";
    /// `ValidateWorkflowRequest` to `ValidateWorkflowResponse`.
    pub const VALIDATE: &str = "turnloom.catalog.v1.validate";
    /// `GetDefinitionRequest` to `Definition`.
    pub const DEFINITION: &str = "turnloom.catalog.v1.definition";
    /// `PutSecretRequest` to `Secret`.
    pub const PUT_SECRET: &str = "turnloom.catalog.v1.put_secret";
    /// `ListSecretsRequest` to `ListSecretsResponse`.
    pub const LIST_SECRETS: &str = "turnloom.catalog.v1.list_secrets";
    /// `DeleteSecretRequest` to `DeleteSecretResponse`.
    pub const DELETE_SECRET: &str = "turnloom.catalog.v1.delete_secret";
    /// `GetSecretsRequest` to `GetSecretsResponse`.
    pub const GET_SECRETS: &str = "turnloom.catalog.v1.get_secrets";
}

/// Subjects of the requests about knowledge bases, which `workflow-catalog` answers.
pub mod knowledge {
    /// `CreateKnowledgeBaseRequest` to `KnowledgeBase`.
    pub const CREATE_BASE: &str = "turnloom.knowledge.v1.create_base";
    /// `GetKnowledgeBaseRequest` to `KnowledgeBase`.
    pub const GET_BASE: &str = "turnloom.knowledge.v1.get_base";
    /// `ListKnowledgeBasesRequest` to `ListKnowledgeBasesResponse`.
    pub const LIST_BASES: &str = "turnloom.knowledge.v1.list_bases";
    /// `DeleteKnowledgeBaseRequest` to `DeleteKnowledgeBaseResponse`.
    pub const DELETE_BASE: &str = "turnloom.knowledge.v1.delete_base";
    /// `PutDocumentPartRequest` to `PutDocumentPartResponse`.
    pub const PUT_DOCUMENT_PART: &str = "turnloom.knowledge.v1.put_document_part";
    /// `PutDocumentRequest` to `PutDocumentResponse`.
    pub const PUT_DOCUMENT: &str = "turnloom.knowledge.v1.put_document";
    /// `GetDocumentRequest` to `KnowledgeDocument`.
    pub const GET_DOCUMENT: &str = "turnloom.knowledge.v1.get_document";
    /// `ListDocumentsRequest` to `ListDocumentsResponse`.
    pub const LIST_DOCUMENTS: &str = "turnloom.knowledge.v1.list_documents";
    /// `DeleteDocumentRequest` to `DeleteDocumentResponse`.
    pub const DELETE_DOCUMENT: &str = "turnloom.knowledge.v1.delete_document";
    /// `SearchKnowledgeRequest` to `SearchKnowledgeResponse`.
    pub const SEARCH: &str = "turnloom.knowledge.v1.search";
}

/// Subjects of the requests that any `execution-runner` answers.
pub mod runner {
    /// `ListExecutionsRequest` to `ListExecutionsResponse`.
    pub const LIST_EXECUTIONS: &str = "turnloom.runner.v1.list_executions";
    /// `GetExecutionRequest` to `Execution`.
    pub const GET_EXECUTION: &str = "turnloom.runner.v1.get_execution";
    /// `GetMessageRequest` to `GetMessageResponse`.
    pub const GET_MESSAGE: &str = "turnloom.runner.v1.get_message";
    /// `GetConversationRequest` to `Conversation`.
    pub const GET_CONVERSATION: &str = "turnloom.runner.v1.get_conversation";
    /// `ListConversationsRequest` to `ListConversationsResponse`.
    pub const LIST_CONVERSATIONS: &str = "turnloom.runner.v1.list_conversations";
    /// `ListConversationMessagesRequest` to `ListConversationMessagesResponse`.
    pub const CONVERSATION_MESSAGES: &str = "turnloom.runner.v1.conversation_messages";
    /// `ConversationEventsRequest` to `ConversationEventsResponse`.
    pub const CONVERSATION_EVENTS: &str = "turnloom.runner.v1.conversation_events";
    /// `EraseCustomerRequest` to `EraseCustomerResponse`.
    pub const ERASE_CUSTOMER: &str = "turnloom.runner.v1.erase_customer";
    /// `WorkflowTotalsRequest` to `WorkflowTotalsResponse`.
    pub const WORKFLOW_TOTALS: &str = "turnloom.runner.v1.workflow_totals";
    /// `CommitsRequest` to `CommitsResponse`.
    pub const COMMITS: &str = "turnloom.runner.v1.commits";
    /// `CommitEventsRequest` to `CommitEventsResponse`.
    pub const COMMIT_EVENTS: &str = "turnloom.runner.v1.commit_events";
    /// `EraseWorkflowRequest` to `EraseWorkflowResponse`.
    pub const ERASE_WORKFLOW: &str = "turnloom.runner.v1.erase_workflow";
    /// `ListRunnersRequest` to `ListRunnersResponse`.
    pub const LIST_RUNNERS: &str = "turnloom.runner.v1.list_runners";
    /// `ListDeadLettersRequest` to `ListDeadLettersResponse`.
    pub const LIST_DEAD_LETTERS: &str = "turnloom.runner.v1.list_dead_letters";
    /// `GetDeadLetterRequest` to `DeadLetter`.
    pub const GET_DEAD_LETTER: &str = "turnloom.runner.v1.get_dead_letter";
    /// `RetryDeadLetterRequest` to `DeadLetter`.
    pub const RETRY_DEAD_LETTER: &str = "turnloom.runner.v1.retry_dead_letter";
    /// `RepublishRequest` to `RepublishResponse`.
    pub const REPUBLISH: &str = "turnloom.runner.v1.republish";
    /// `RetentionRequest` to `RetentionResponse`.
    pub const RETENTION: &str = "turnloom.runner.v1.retention";
}

/// Subjects of the requests that any `metrics-aggregator` answers.
pub mod metrics {
    /// `GetMetricsRequest` to `GetMetricsResponse`.
    pub const GET: &str = "turnloom.metrics.v1.get";
    /// `RebuildMetricsRequest` to `RebuildMetricsResponse`.
    pub const REBUILD: &str = "turnloom.metrics.v1.rebuild";
    /// `EraseWorkflowRequest` to `EraseWorkflowResponse`.
    pub const ERASE_WORKFLOW: &str = "turnloom.metrics.v1.erase_workflow";
    /// `RetentionRequest` to `RetentionResponse`.
    pub const RETENTION: &str = "turnloom.metrics.v1.retention";
}
