//! A workflow's configuration: its trigger and its nodes, as validation has let them through.

mod node;

pub use node::{
    AiResponse, Branch, Condition, Form, FormField, FormFieldType, HttpMethod, HttpRequest, Node, NodeKind,
    ResponseType, Sentiment,
};

use crate::channel::Channel;

/// A wait ends after this long unless the configuration says otherwise: 24 hours, in milliseconds.
pub const WAIT_TIMEOUT_DEFAULT_MS: i64 = 24 * 60 * 60 * 1000;

/// What one revision of a workflow does.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// What starts it.
    pub trigger: Trigger,
    /// At least one; the flow starts at the first. Ids are unique.
    pub nodes: Vec<Node>,
    /// A conversation that waited longer is over.
    pub wait_timeout_ms: i64,
}

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// A message with one of the keywords, on one of the channels.
    Message {
        /// As the user wrote them; at least one, none blank.
        keywords: Vec<String>,
        /// At least one: `trigger.channels`, or the workflow's own channel.
        channels: Vec<Channel>,
    },
    /// Only `POST /v1/workflows/{id}/executions`.
    Api,
}
