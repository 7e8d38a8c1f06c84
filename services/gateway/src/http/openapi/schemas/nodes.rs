//! Schemas of what a flow is made of.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Sends a text.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MessageNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// Template over `customer`, `message`, `vars` and `steps`.
    #[schema(min_length = 1, max_length = 4096)]
    content: String,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Asks for values, one field at a time; they land in `vars`.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct FormNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    #[schema(min_items = 1, max_items = 50)]
    fields: Vec<FormField>,
    /// Answers that do not fit before the form gives up; 3 unless given.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 20)]
    max_attempts: Option<u32>,
    /// The node after a form that gave up; without it the turn fails.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    on_invalid: Option<String>,
    /// How long the form waits for an answer.
    #[schema(value_type = String, required = false, examples("15m"))]
    timeout: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    on_timeout: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// One question of a form.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct FormField {
    /// The variable that takes the value.
    #[schema(pattern = "^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    name: String,
    r#type: FormFieldType,
    /// True unless given.
    #[schema(value_type = bool, required = false)]
    required: Option<bool>,
    /// Template: the question.
    #[schema(min_length = 1, max_length = 1024)]
    label: String,
    /// What a `choice` can be.
    #[schema(value_type = Vec<String>, required = false, min_items = 1, max_items = 50)]
    options: Option<Vec<String>>,
}

/// What kind of answer fits.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum FormFieldType {
    Text,
    Email,
    Phone,
    Number,
    Date,
    Boolean,
    Choice,
}

/// Answers from a knowledge base.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AiResponseNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// Its id or name.
    #[schema(min_length = 1)]
    knowledge_base: String,
    #[schema(value_type = String, required = false, max_length = 4096)]
    personality: Option<String>,
    #[schema(value_type = ResponseType, required = false)]
    response_type: Option<ResponseType>,
    /// Messages of the conversation that are looked at.
    #[schema(value_type = u32, required = false, minimum = 0, maximum = 100)]
    context_length: Option<u32>,
    #[schema(value_type = f64, required = false, minimum = 0, maximum = 1)]
    confidence_threshold: Option<f64>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    fallback: Option<String>,
    #[schema(value_type = String, required = false, max_length = 4096)]
    fallback_message: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// How an answer is put.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum ResponseType {
    Conversational,
    Structured,
    Hybrid,
}

/// Goes on at the first branch whose expression holds.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ConditionNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    #[schema(min_items = 1, max_items = 50)]
    branches: Vec<Branch>,
    /// Where the flow goes when no branch holds; without it `next`.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    r#else: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// One way out of a condition.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Branch {
    /// CEL over `customer`, `message`, `vars` and `steps`; at most 2048 bytes.
    #[schema(min_length = 1, max_length = 2048, examples("vars.age >= 18"))]
    when: String,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Sets variables.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SetNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// Names and templates, 1 to 50.
    values: BTreeMap<String, String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Waits for a time.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DelayNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// 1 second to 365 days: `90s`, `15m`, `2h` or ISO 8601.
    #[schema(examples("15m"))]
    duration: String,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Calls another system.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct HttpRequestNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    method: HttpMethod,
    /// Template.
    #[schema(min_length = 1, max_length = 4096, examples("https://example.com/orders/{{ vars.order }}"))]
    url: String,
    /// Names and templates, at most 50.
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    headers: Option<BTreeMap<String, String>>,
    /// Any JSON; a text is a template.
    #[schema(value_type = Value, required = false)]
    body: Option<Value>,
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 10000)]
    timeout_ms: Option<u32>,
    /// The variable that takes the answer.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    save_as: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    on_error: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Method of an HTTP call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::http) enum HttpMethod {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Goes on by the mood of the customer's message.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SentimentNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    branches: SentimentBranches,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Where each mood leads.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SentimentBranches {
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    positive: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    neutral: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    negative: Option<String>,
}

/// Hands the conversation to a person.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct HandoffNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    #[schema(value_type = String, required = false)]
    team: Option<String>,
    /// Template: what that person should know.
    #[schema(value_type = String, required = false, max_length = 4096)]
    note: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    next: Option<String>,
}

/// Ends the flow.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EndNode {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
}

/// One node of the flow; its fields depend on its `type`.
#[derive(Serialize)]
pub(in crate::http) struct Node;
