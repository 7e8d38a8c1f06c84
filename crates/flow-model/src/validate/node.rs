//! Nodes: what all have in common, and each kind but forms.

use serde_json::Value;

use super::form;
use super::text::{Context, NODE_ID_RULE, is_node_id, is_variable_name};
use crate::document::{At, Object, kind};
use crate::limits::{BRANCHES_MAX, CONTENT_CHARS_MAX, HEADERS_MAX, HTTP_TIMEOUT_MAX_MS, VALUES_MAX};
use crate::problem::ProblemCode::{InvalidNodeConfig, InvalidWorkflowConfig};
use crate::workflow::{
    AiResponse, Branch, Condition, HttpMethod, HttpRequest, Node, NodeKind, ResponseType, Sentiment,
};

/// Types of nodes.
const TYPES: [&str; 10] = [
    "message",
    "form",
    "ai_response",
    "condition",
    "set",
    "delay",
    "http_request",
    "sentiment",
    "handoff",
    "end",
];
/// Messages of a conversation that a model may see at most.
const CONTEXT_LENGTH_MAX: u64 = 100;

/// Reads one node of the list.
pub(super) fn read(value: &Value, at: &At, index: usize, context: &mut Context<'_>) -> Option<Node> {
    let mut object = Object::read(value, at, InvalidWorkflowConfig, context.report)?;
    let owner = match value.get("id").and_then(Value::as_str) {
        Some(id) if is_node_id(id) => format!("Node '{id}'"),
        _ => format!("Node {index}"),
    };
    let id = context.required_text(&mut object, &owner, "id");
    if let Some((id, at)) = &id
        && !is_node_id(id)
    {
        context.report.problem(at, InvalidWorkflowConfig, NODE_ID_RULE);
    }
    let (type_name, type_at) = context.required_text(&mut object, &owner, "type")?;
    if !TYPES.contains(&type_name.as_str()) {
        let message = format!("Unknown node type '{type_name}': must be one of {}", TYPES.join(", "));
        context.report.problem(&type_at, InvalidWorkflowConfig, message);
        return None;
    }
    let node_kind = read_kind(&type_name, &mut object, &owner, context);
    // An end leads nowhere: a `next` there is a field that the type does not have.
    let next = if type_name == "end" { None } else { context.node_reference(&mut object, "next") };
    object.finish(context.report);
    Some(Node { id: id?.0, next, kind: node_kind? })
}

/// Reads the fields of one of the [`TYPES`].
fn read_kind(
    type_name: &str,
    object: &mut Object<'_>,
    owner: &str,
    context: &mut Context<'_>,
) -> Option<NodeKind> {
    match type_name {
        "message" => {
            context.required_template(object, owner, "content").map(|content| NodeKind::Message { content })
        }
        "form" => form::read(object, owner, context).map(NodeKind::Form),
        "ai_response" => read_ai_response(object, owner, context).map(NodeKind::AiResponse),
        "condition" => read_condition(object, owner, context).map(NodeKind::Condition),
        "set" => read_set(object, owner, context),
        "delay" => context
            .required_text(object, owner, "duration")
            .and_then(|(text, at)| context.duration(&text, &at))
            .map(|duration_ms| NodeKind::Delay { duration_ms }),
        "http_request" => read_http_request(object, owner, context).map(NodeKind::HttpRequest),
        "sentiment" => read_sentiment(object, owner, context).map(NodeKind::Sentiment),
        "handoff" => Some(NodeKind::Handoff {
            team: context.optional_text(object, "team").map(|(team, _)| team),
            note: context.optional_template(object, "note"),
        }),
        "end" => Some(NodeKind::End),
        _ => None,
    }
}

fn read_condition(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<Condition> {
    let branches = context.required(object, owner, "branches").and_then(|(value, at)| {
        let items = context.filled_list(value, &at, BRANCHES_MAX)?;
        let branches: Vec<Option<Branch>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| read_branch(item, &at.item(index), index, owner, context))
            .collect();
        branches.into_iter().collect::<Option<Vec<Branch>>>()
    });
    let otherwise = context.node_reference(object, "else");
    Some(Condition { branches: branches?, otherwise })
}

fn read_branch(
    value: &Value,
    at: &At,
    index: usize,
    owner: &str,
    context: &mut Context<'_>,
) -> Option<Branch> {
    let mut object = Object::read(value, at, InvalidWorkflowConfig, context.report)?;
    let when = context.required_text(&mut object, &format!("Branch {index} of {owner}"), "when");
    if let Some((when, at)) = &when {
        context.check_expression(when, at);
    }
    let next = context.node_reference(&mut object, "next");
    object.finish(context.report);
    Some(Branch { when: when?.0, next })
}

fn read_set(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<NodeKind> {
    let (value, at) = context.required(object, owner, "values")?;
    let Value::Object(map) = value else {
        let message = format!("must be an object, not {}", kind(value));
        context.report.problem(&at, InvalidWorkflowConfig, message);
        return None;
    };
    if map.is_empty() || map.len() > VALUES_MAX {
        let message = format!("must have 1 to {VALUES_MAX} variables");
        context.report.problem(&at, InvalidWorkflowConfig, message);
        return None;
    }
    let mut values = Vec::with_capacity(map.len());
    for (index, (name, template)) in map.iter().enumerate() {
        let at = at.key(name, index);
        if !is_variable_name(name) {
            let message =
                "a variable's name must be 1 to 64 letters, digits or '_', and not begin with a digit";
            context.report.problem(&at, InvalidNodeConfig, message);
        }
        let template = context.as_text(template, &at)?;
        context.check_template(template, &at, CONTENT_CHARS_MAX);
        values.push((name.clone(), template.to_owned()));
    }
    Some(NodeKind::Set { values })
}

fn read_ai_response(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<AiResponse> {
    let knowledge_base = context.required_text(object, owner, "knowledge_base");
    if let Some((name, at)) = &knowledge_base
        && name.trim().is_empty()
    {
        context.report.problem(at, InvalidNodeConfig, "must not be blank");
    }
    let personality = context.optional_template(object, "personality");
    let response_type = match context.optional_text(object, "response_type") {
        None => ResponseType::Conversational,
        Some((name, at)) => match name.as_str() {
            "conversational" => ResponseType::Conversational,
            "structured" => ResponseType::Structured,
            "hybrid" => ResponseType::Hybrid,
            _ => {
                let message = "must be conversational, structured or hybrid";
                context.report.problem(&at, InvalidNodeConfig, message);
                ResponseType::Conversational
            }
        },
    };
    let context_length = context.optional_number(object, "context_length", 0..=CONTEXT_LENGTH_MAX);
    let confidence_threshold = read_share(object, "confidence_threshold", context);
    let fallback = context.node_reference(object, "fallback");
    let fallback_message = context.optional_template(object, "fallback_message");
    Some(AiResponse {
        knowledge_base: knowledge_base?.0,
        personality,
        response_type,
        context_length,
        confidence_threshold,
        fallback,
        fallback_message,
    })
}

/// A number in 0..=1.
fn read_share(object: &mut Object<'_>, name: &'static str, context: &mut Context<'_>) -> Option<f64> {
    let (value, at) = object.get(name);
    let value = value?;
    let Some(number) = value.as_f64() else {
        let message = format!("must be a number, not {}", kind(value));
        context.report.problem(&at, InvalidWorkflowConfig, message);
        return None;
    };
    if (0.0..=1.0).contains(&number) {
        return Some(number);
    }
    context.report.problem(&at, InvalidNodeConfig, "must be from 0 to 1");
    None
}

fn read_http_request(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<HttpRequest> {
    let method = read_method(object, owner, context);
    let url = context.required_text(object, owner, "url");
    if let Some((url, at)) = &url {
        let lower = url.trim_start().to_ascii_lowercase();
        if !(lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("{{")) {
            context.report.problem(at, InvalidNodeConfig, "must be an http or https URL");
        }
        context.check_request_template(url, at);
    }
    let headers = read_headers(object, context);
    let (body, at) = object.get("body");
    if let Some(body) = body {
        check_body(body, &at, context);
    }
    let timeout_ms = context.optional_number(object, "timeout_ms", 1..=HTTP_TIMEOUT_MAX_MS);
    let save_as = context.optional_text(object, "save_as").map(|(name, at)| {
        if !is_variable_name(&name) {
            context.report.problem(&at, InvalidNodeConfig, "is not a variable's name");
        }
        name
    });
    let on_error = context.node_reference(object, "on_error");
    Some(HttpRequest {
        method: method?,
        url: url?.0,
        headers: headers?,
        body: body.cloned(),
        timeout_ms,
        save_as,
        on_error,
    })
}

/// Each text of a body is a template. Bodies nest as deep as configurations may.
fn check_body(body: &Value, at: &At, context: &mut Context<'_>) {
    match body {
        Value::String(template) => context.check_request_template(template, at),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_body(item, &at.item(index), context);
            }
        }
        Value::Object(members) => {
            for (index, (name, member)) in members.iter().enumerate() {
                check_body(member, &at.key(name, index), context);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn read_method(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<HttpMethod> {
    let (name, at) = context.required_text(object, owner, "method")?;
    Some(match name.to_ascii_uppercase().as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => {
            context.report.problem(&at, InvalidNodeConfig, "must be GET, POST, PUT, PATCH or DELETE");
            return None;
        }
    })
}

fn read_headers(object: &mut Object<'_>, context: &mut Context<'_>) -> Option<Vec<(String, String)>> {
    let (value, at) = object.get("headers");
    let Some(value) = value else { return Some(Vec::new()) };
    let Value::Object(map) = value else {
        let message = format!("must be an object, not {}", kind(value));
        context.report.problem(&at, InvalidWorkflowConfig, message);
        return None;
    };
    if map.len() > HEADERS_MAX {
        context.report.problem(&at, InvalidWorkflowConfig, format!("has more than {HEADERS_MAX} headers"));
        return None;
    }
    let mut headers = Vec::with_capacity(map.len());
    for (index, (name, template)) in map.iter().enumerate() {
        let at = at.key(name, index);
        // The characters of a token (RFC 9110, 5.6.2).
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            context.report.problem(&at, InvalidNodeConfig, "is not a header's name");
        }
        let template = context.as_text(template, &at)?;
        context.check_request_template(template, &at);
        headers.push((name.clone(), template.to_owned()));
    }
    Some(headers)
}

fn read_sentiment(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<Sentiment> {
    let (value, at) = context.required(object, owner, "branches")?;
    let mut branches = Object::read(value, &at, InvalidWorkflowConfig, context.report)?;
    let sentiment = Sentiment {
        positive: context.node_reference(&mut branches, "positive"),
        neutral: context.node_reference(&mut branches, "neutral"),
        negative: context.node_reference(&mut branches, "negative"),
    };
    branches.finish(context.report);
    Some(sentiment)
}
