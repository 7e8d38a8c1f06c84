//! A configuration made ready to run: templates and expressions compiled, references resolved.

use std::collections::HashMap;

use flow_model::workflow::{
    AiResponse, Configuration, Form, HttpMethod, HttpRequest, Node, NodeKind, ResponseType,
};
use serde_json::Value;

use crate::expression::Expression;
use crate::template::{Known, Templates};
use crate::turn::{Failure, Object};

/// A stored configuration cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("node '{node_id}' cannot be run: {why}")]
pub struct CompileError {
    node_id: String,
    why: String,
}

/// A flow that can run.
#[derive(Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<Runnable>,
    pub(crate) templates: Templates,
    by_id: HashMap<String, usize>,
}

/// A node that can run. Places are indices into the graph's nodes; none where the flow ends.
#[derive(Debug)]
pub(crate) struct Runnable {
    pub id: String,
    pub type_name: &'static str,
    pub next: Option<usize>,
    pub kind: Kind,
}

/// What a node does. Templates are named in the graph's templates.
#[derive(Debug)]
pub(crate) enum Kind {
    Message { content: String },
    Form { form: Form, labels: Vec<String>, on_invalid: Option<usize>, on_timeout: Option<usize> },
    Condition { branches: Vec<(Expression, Option<usize>)>, otherwise: Option<usize> },
    Set { values: Vec<(String, String)> },
    Delay { duration_ms: i64 },
    Sentiment(Moods),
    Asks(Asks),
    Http(HttpCall),
    Handoff { team: Option<String>, note: Option<String> },
    End,
}

/// Where each mood leads.
#[derive(Debug)]
pub(crate) struct Moods {
    pub positive: Option<usize>,
    pub neutral: Option<usize>,
    pub negative: Option<usize>,
}

/// What an `ai_response` asks.
#[derive(Debug)]
pub(crate) struct Asks {
    pub knowledge_base: String,
    pub personality: Option<String>,
    pub response_type: &'static str,
    pub context_length: u32,
    pub threshold: f64,
    pub fallback: Option<usize>,
    pub fallback_message: Option<String>,
}

/// What an `http_request` sends.
#[derive(Debug)]
pub(crate) struct HttpCall {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
    pub timeout_ms: Option<u32>,
    pub save_as: Option<String>,
    pub on_error: Option<usize>,
    /// Secrets that its templates name.
    pub secrets: Vec<String>,
}

/// A body: JSON whose texts are templates, each by its name.
#[derive(Debug)]
pub(crate) enum Body {
    Text(String),
    Fixed(Value),
    List(Vec<Body>),
    Object(Vec<(String, Body)>),
}

impl Body {
    fn compile(body: &Value, add: &mut dyn FnMut(&str) -> Result<String, String>) -> Result<Self, String> {
        Ok(match body {
            Value::String(source) => Self::Text(add(source)?),
            Value::Array(items) => {
                Self::List(items.iter().map(|item| Self::compile(item, add)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members =
                    members.iter().map(|(name, value)| Ok((name.clone(), Self::compile(value, add)?)));
                Self::Object(members.collect::<Result<_, String>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(body.clone()),
        })
    }

    /// With each template rendered.
    pub fn render(&self, render: &dyn Fn(&str) -> Result<String, Failure>) -> Result<Value, Failure> {
        Ok(match self {
            Self::Text(name) => Value::String(render(name)?),
            Self::Fixed(value) => value.clone(),
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.render(render)).collect::<Result<_, _>>()?)
            }
            Self::Object(members) => {
                let members = members.iter().map(|(name, body)| Ok((name.clone(), body.render(render)?)));
                Value::Object(members.collect::<Result<Object, Failure>>()?)
            }
        })
    }
}

impl Graph {
    /// Compiles a configuration.
    ///
    /// # Errors
    /// When a template or an expression cannot be compiled: a sign of a stored configuration of another version.
    pub fn compile(configuration: &Configuration) -> Result<Self, CompileError> {
        let by_id: HashMap<String, usize> = configuration
            .nodes
            .iter()
            .enumerate()
            .rev()
            .map(|(index, node)| (node.id.clone(), index))
            .collect();
        let mut templates = Templates::new();
        let nodes = configuration
            .nodes
            .iter()
            .map(|node| {
                compile(node, &by_id, &mut templates)
                    .map_err(|why| CompileError { node_id: node.id.clone(), why })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { nodes, templates, by_id })
    }

    /// The place of a node.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}

fn compile(
    node: &Node,
    by_id: &HashMap<String, usize>,
    templates: &mut Templates,
) -> Result<Runnable, String> {
    let place = |id: &Option<String>| id.as_ref().and_then(|id| by_id.get(id).copied());
    let mut add =
        |name: String, source: &str| templates.add(&name, source, Known::Conversation).map(|()| name);
    let kind = match &node.kind {
        NodeKind::Message { content } => {
            Kind::Message { content: add(format!("{}/content", node.id), content)? }
        }
        NodeKind::Form(form) => {
            let labels = form
                .fields
                .iter()
                .map(|field| add(format!("{}/label/{}", node.id, field.name), &field.label))
                .collect::<Result<_, _>>()?;
            let (on_invalid, on_timeout) = (place(&form.on_invalid), place(&form.on_timeout));
            Kind::Form { form: form.clone(), labels, on_invalid, on_timeout }
        }
        NodeKind::Condition(condition) => {
            let branches = condition
                .branches
                .iter()
                .map(|branch| Ok((Expression::compile(&branch.when)?, place(&branch.next))))
                .collect::<Result<_, String>>()?;
            let otherwise = place(&condition.otherwise.clone().or_else(|| node.next.clone()));
            Kind::Condition { branches, otherwise }
        }
        NodeKind::Set { values } => {
            let values = values
                .iter()
                .map(|(name, source)| Ok((name.clone(), add(format!("{}/value/{name}", node.id), source)?)))
                .collect::<Result<_, String>>()?;
            Kind::Set { values }
        }
        NodeKind::End => Kind::End,
        NodeKind::Delay { duration_ms } => Kind::Delay { duration_ms: *duration_ms },
        NodeKind::Sentiment(sentiment) => {
            let or_next = |id: &Option<String>| place(&id.clone().or_else(|| node.next.clone()));
            Kind::Sentiment(Moods {
                positive: or_next(&sentiment.positive),
                neutral: or_next(&sentiment.neutral),
                negative: or_next(&sentiment.negative),
            })
        }
        NodeKind::AiResponse(ai) => Kind::Asks(asks(ai, &node.id, place(&ai.fallback), templates)?),
        NodeKind::HttpRequest(http) => {
            Kind::Http(http_call(http, &node.id, place(&http.on_error), templates)?)
        }
        NodeKind::Handoff { team, note } => {
            let said = note.as_ref().map(|source| add(format!("{}/note", node.id), source)).transpose()?;
            Kind::Handoff { team: team.clone(), note: said }
        }
    };
    Ok(Runnable { id: node.id.clone(), type_name: node.kind.type_name(), next: place(&node.next), kind })
}

/// Messages of the conversation that a model sees unless the node says otherwise.
const CONTEXT_LENGTH: u32 = 10;
/// Below this an answer is not said unless the node says otherwise.
const THRESHOLD: f64 = 0.5;

fn asks(
    ai: &AiResponse,
    node_id: &str,
    fallback: Option<usize>,
    templates: &mut Templates,
) -> Result<Asks, String> {
    let mut add = |field: &str, source: &Option<String>| {
        let Some(source) = source else { return Ok(None) };
        let name = format!("{node_id}/{field}");
        templates.add(&name, source, Known::Conversation).map(|()| Some(name))
    };
    Ok(Asks {
        knowledge_base: ai.knowledge_base.clone(),
        personality: add("personality", &ai.personality)?,
        response_type: match ai.response_type {
            ResponseType::Conversational => "conversational",
            ResponseType::Structured => "structured",
            ResponseType::Hybrid => "hybrid",
        },
        context_length: ai.context_length.unwrap_or(CONTEXT_LENGTH),
        threshold: ai.confidence_threshold.unwrap_or(THRESHOLD),
        fallback,
        fallback_message: add("fallback_message", &ai.fallback_message)?,
    })
}

fn http_call(
    http: &HttpRequest,
    node_id: &str,
    on_error: Option<usize>,
    templates: &mut Templates,
) -> Result<HttpCall, String> {
    let mut secrets = Vec::new();
    let mut count = 0;
    let mut add = |source: &str| {
        count += 1;
        let name = format!("{node_id}/request/{count}");
        templates.add(&name, source, Known::WithSecrets)?;
        secrets.extend(templates.secrets_of(&name));
        Ok::<_, String>(name)
    };
    let url = add(&http.url)?;
    let headers = http
        .headers
        .iter()
        .map(|(name, source)| Ok((name.clone(), add(source)?)))
        .collect::<Result<_, String>>()?;
    let body = http.body.as_ref().map(|body| Body::compile(body, &mut add)).transpose()?;
    secrets.sort();
    secrets.dedup();
    Ok(HttpCall {
        method: match http.method {
            HttpMethod::Get => "GET",
            HttpMethod::Post => "POST",
            HttpMethod::Put => "PUT",
            HttpMethod::Patch => "PATCH",
            HttpMethod::Delete => "DELETE",
        },
        url,
        headers,
        body,
        timeout_ms: http.timeout_ms,
        save_as: http.save_as.clone(),
        on_error,
        secrets,
    })
}
