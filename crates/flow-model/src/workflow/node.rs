//! The nodes of a flow, one type for each kind.
//!
//! Text fields are templates and `when` is an expression: here they are source text that validation has
//! parsed once. A `next` may name a node that does not exist: the flow ends there.

use serde_json::Value;

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Unique in the workflow; matches `[A-Za-z0-9_-]{1,64}`.
    pub id: String,
    /// The node that follows; the flow ends where there is none.
    pub next: Option<String>,
    /// What it does.
    pub kind: NodeKind,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// Sends a text to the customer.
    Message {
        /// Template.
        content: String,
    },
    /// Asks the customer for values, one field at a time.
    Form(Form),
    /// Answers from a knowledge base.
    AiResponse(AiResponse),
    /// Goes on at the first branch whose expression holds.
    Condition(Condition),
    /// Sets variables.
    Set {
        /// Name and template, in the order in which they are set.
        values: Vec<(String, String)>,
    },
    /// Waits for a time.
    Delay {
        /// At least one second.
        duration_ms: i64,
    },
    /// Calls another system.
    HttpRequest(HttpRequest),
    /// Goes on by the mood of the customer's message.
    Sentiment(Sentiment),
    /// Hands the conversation to a person.
    Handoff {
        /// Who takes it.
        team: Option<String>,
        /// Template: what that person should know.
        note: Option<String>,
    },
    /// Ends the flow.
    End,
}

impl NodeKind {
    /// The type as configurations and steps spell it, such as `ai_response`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Form(_) => "form",
            Self::AiResponse(_) => "ai_response",
            Self::Condition(_) => "condition",
            Self::Set { .. } => "set",
            Self::Delay { .. } => "delay",
            Self::HttpRequest(_) => "http_request",
            Self::Sentiment(_) => "sentiment",
            Self::Handoff { .. } => "handoff",
            Self::End => "end",
        }
    }
}

/// Asks for values; they land in `vars`.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// At least one; asked in this order.
    pub fields: Vec<FormField>,
    /// Answers that do not fit before the form gives up; at least 1.
    pub max_attempts: u32,
    /// Where the flow goes when the form has given up; without it the turn fails.
    pub on_invalid: Option<String>,
    /// How long the form waits for an answer.
    pub timeout_ms: Option<i64>,
    /// Where the flow goes when nobody answered in time.
    pub on_timeout: Option<String>,
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct FormField {
    /// The variable that takes the value; `[A-Za-z_][A-Za-z0-9_]{0,63}`.
    pub name: String,
    /// What fits.
    pub field_type: FormFieldType,
    /// A field that is not required takes a blank answer or `skip`.
    pub required: bool,
    /// Template: the question.
    pub label: String,
}

/// What kind of answer fits a form field.
#[derive(Debug, Clone, PartialEq)]
pub enum FormFieldType {
    /// Any text that is not blank.
    Text,
    /// An address with one `@`.
    Email,
    /// 6 to 15 digits, with an optional `+` (E.164).
    Phone,
    /// A number, kept as a JSON number.
    Number,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// Yes or no, kept as a JSON boolean.
    Boolean,
    /// One of the options, without regard to case, or its number from 1.
    Choice {
        /// At least one.
        options: Vec<String>,
    },
}

/// Goes on at the first branch that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// In order; at least one.
    pub branches: Vec<Branch>,
    /// Where the flow goes when no branch holds; without it `Node::next`.
    pub otherwise: Option<String>,
}

/// One way out of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// CEL expression over `customer`, `message`, `vars` and `steps`; must give a boolean.
    pub when: String,
    /// Where it leads.
    pub next: Option<String>,
}

/// Answers from a knowledge base.
#[derive(Debug, Clone, PartialEq)]
pub struct AiResponse {
    /// Id or name.
    pub knowledge_base: String,
    /// How the answer should sound.
    pub personality: Option<String>,
    /// The answer's form.
    pub response_type: ResponseType,
    /// Messages of the conversation that the model sees.
    pub context_length: Option<u32>,
    /// Below this, in 0..=1, the fallback is taken.
    pub confidence_threshold: Option<f64>,
    /// Node that takes over below the threshold.
    pub fallback: Option<String>,
    /// Template: said below the threshold when there is no `fallback`.
    pub fallback_message: Option<String>,
}

/// The form of an AI answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// Plain text.
    Conversational,
    /// Structured data.
    Structured,
    /// Both.
    Hybrid,
}

/// Calls another system.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// HTTP method.
    pub method: HttpMethod,
    /// Template that gives an absolute `http` or `https` URL.
    pub url: String,
    /// Name and template.
    pub headers: Vec<(String, String)>,
    /// Template, or JSON whose strings are templates.
    pub body: Option<Value>,
    /// At most 10,000.
    pub timeout_ms: Option<u32>,
    /// Variable that takes the answer.
    pub save_as: Option<String>,
    /// Node that takes over when the call fails.
    pub on_error: Option<String>,
}

/// Methods that a flow may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

/// Goes on by mood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentiment {
    /// Where a positive message leads; without it `Node::next`.
    pub positive: Option<String>,
    /// Where a neutral one leads.
    pub neutral: Option<String>,
    /// Where a negative one leads.
    pub negative: Option<String>,
}
