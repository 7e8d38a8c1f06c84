//! What callers of the API send.

use std::str::FromStr;

use flow_model::validate::{WorkflowDraft, WorkflowPatch};
use flow_model::{
    ApiKeyId, AuditEntryId, Channel, ConversationId, DeadLetterId, ExecutionId, KnowledgeBaseId, MessageId,
    RunnerId, SecretName, WorkflowId, duration,
};
use gateway::decode;
use gateway::key::{ApiKey, Level};
use gateway::keys::{AccountName, Limits};
use knowledge::MediaType;

use crate::tried;

/// Names of lists that cursors are tried on; what stands in the corpus begins with them.
const LISTS: [&str; 4] = ["e00000000", "k00000000", "w00000000", ""];

/// JSON, and workflows in it.
pub(crate) fn body(bytes: &[u8]) {
    let Ok(document) = decode::json(bytes) else { return };
    // What is taken can be handed on.
    let again = decode::json(document.to_string().as_bytes());
    assert!(again.is_ok(), "a body cannot be read again: {:?}", again.err());
    tried(WorkflowDraft::parse(&document, &flow_engine::Syntax));
    tried(WorkflowPatch::parse(&document, Channel::Web, &flow_engine::Syntax));
    tried(Limits::from_json(&document).to_json());
}

/// The query of every operation.
pub(crate) fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for operation in decode::operations() {
        tried(decode::query(operation, &text));
    }
}

/// Cursors of every list, and places of tails.
pub(crate) fn cursor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for list in LISTS {
        tried(decode::is_cursor(list, &text));
        tried(execution_runner::is_cursor(list, &text));
        tried(workflow_catalog::is_cursor(list, &text));
    }
    tried(decode::is_place(&text));
}

/// API keys. What is taken is what a key looks like, and nothing else.
pub(crate) fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = ApiKey::parse(&text) {
        assert_eq!(key.expose(), text);
        assert!(key.expose().is_ascii() && key.sha256() != [0; 32]);
    }
}

/// Ids, names, durations and other words of paths, queries, headers and bodies.
pub(crate) fn word(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    written_back::<WorkflowId>(&text);
    written_back::<ExecutionId>(&text);
    written_back::<ConversationId>(&text);
    written_back::<MessageId>(&text);
    written_back::<DeadLetterId>(&text);
    written_back::<ApiKeyId>(&text);
    written_back::<AuditEntryId>(&text);
    written_back::<RunnerId>(&text);
    written_back::<KnowledgeBaseId>(&text);
    tried(text.parse::<Channel>());
    tried(text.parse::<SecretName>());
    tried(text.parse::<AccountName>());
    tried(text.parse::<Level>());
    tried(Limits::parse(text.lines()));
    tried(MediaType::parse(&text));
    tried(duration::parse_ms(&text));
    if let Ok(id) = WorkflowId::from_slice(bytes) {
        written_back::<WorkflowId>(&id.to_string());
    }
}

/// An id that is read is the same when it is written and read again.
fn written_back<Id: FromStr + ToString + PartialEq>(text: &str) {
    let Ok(id) = text.parse::<Id>() else { return };
    let again = id.to_string().parse::<Id>();
    assert!(again.is_ok_and(|again| again == id), "{text} is written as another id");
}
