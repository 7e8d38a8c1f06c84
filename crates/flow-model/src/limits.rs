//! The bounds of a workflow. Each is refused with a clear error.

/// Characters of a workflow's name.
pub const NAME_CHARS_MAX: usize = 120;
/// Characters of a workflow's description.
pub const DESCRIPTION_CHARS_MAX: usize = 2000;
/// Bytes of a configuration as compact JSON.
pub const CONFIGURATION_BYTES_MAX: usize = 256 * 1024;
/// Nodes of a workflow.
pub const NODES_MAX: usize = 500;
/// Characters of a node's id.
pub const NODE_ID_CHARS_MAX: usize = 64;
/// Keywords of a trigger.
pub const KEYWORDS_MAX: usize = 100;
/// Characters of a keyword.
pub const KEYWORD_CHARS_MAX: usize = 100;
/// Characters of a message's content, and of any other template.
pub const CONTENT_CHARS_MAX: usize = 4096;
/// Fields of a form.
pub const FORM_FIELDS_MAX: usize = 50;
/// Options of a choice.
pub const OPTIONS_MAX: usize = 50;
/// Characters of a form's label or option.
pub const LABEL_CHARS_MAX: usize = 1024;
/// Times that a form asks again at most.
pub const ATTEMPTS_MAX: u64 = 20;
/// Branches of a condition.
pub const BRANCHES_MAX: usize = 50;
/// Bytes of an expression.
pub const EXPRESSION_BYTES_MAX: usize = 2048;
/// Variables set by one node.
pub const VALUES_MAX: usize = 50;
/// Headers of an HTTP request.
pub const HEADERS_MAX: usize = 50;
/// Longest time that anything waits: 365 days, in milliseconds.
pub const WAIT_MAX_MS: i64 = 365 * 24 * 60 * 60 * 1000;
/// Shortest time that anything waits: one second, in milliseconds.
pub const WAIT_MIN_MS: i64 = 1000;
/// Longest time of one HTTP call, milliseconds.
pub const HTTP_TIMEOUT_MAX_MS: u64 = 10_000;
/// Characters of a customer's message, of its id and of the customer's id are bounded where they come in.
pub const MESSAGE_CHARS_MAX: usize = 4096;
/// Characters of a customer's id.
pub const CUSTOMER_ID_CHARS_MAX: usize = 128;
/// Characters of a sender's own message id.
pub const MESSAGE_ID_CHARS_MAX: usize = 128;
/// Bytes of a message's metadata as compact JSON.
pub const METADATA_BYTES_MAX: usize = 4096;
/// Problems that one report holds.
pub const PROBLEMS_MAX: usize = 100;
