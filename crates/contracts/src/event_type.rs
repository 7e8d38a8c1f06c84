//! The types of events, as subscribers spell them.
//!
//! The runner tells them; it tests that these are all of its types.

/// All of them, in the order in which one commit's are published.
pub const EVENT_TYPES: [&str; 9] = [
    "customer.created",
    "message.received",
    "trigger.activated",
    "workflow.started",
    "message.sent",
    "workflow.completed",
    "workflow.failed",
    "conversation.assigned",
    "conversation.released",
];
