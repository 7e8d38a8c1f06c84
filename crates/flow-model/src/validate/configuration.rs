//! A configuration: trigger, nodes, time-out, and what holds between nodes.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use serde_json::Value;

use super::text::Context;
use super::{Syntax, Unchecked, node};
use crate::channel::Channel;
use crate::document::{At, Object, Report, kind};
use crate::limits::{CONFIGURATION_BYTES_MAX, KEYWORD_CHARS_MAX, KEYWORDS_MAX, NODES_MAX};
use crate::problem::ProblemCode::{InvalidNodeConfig, InvalidWorkflowConfig};
use crate::problem::{Problem, Warning, WarningCode};
use crate::workflow::{Configuration, Node, Trigger, WAIT_TIMEOUT_DEFAULT_MS};

impl Configuration {
    /// Checks a configuration by itself. `channel` is the workflow's, for a trigger that names none.
    ///
    /// # Errors
    /// All problems, in the order of the document, with places below `configuration`.
    pub fn parse(
        document: &Value,
        channel: Channel,
        syntax: &dyn Syntax,
    ) -> Result<(Self, Vec<Warning>), Vec<Problem>> {
        let mut report = Report::default();
        let at = At::root().key("configuration", 0);
        // As in any document, `null` is nothing.
        let value = Some(document).filter(|document| !document.is_null());
        let configuration = value.and_then(|value| read(value, &at, Some(channel), syntax, &mut report));
        report.into_result(configuration)
    }

    /// Reads a configuration that was checked when it was stored.
    ///
    /// # Errors
    /// As [`Configuration::parse`]; a sign of damage or of a newer version.
    pub fn load(document: &Value, channel: Channel) -> Result<Self, Vec<Problem>> {
        Self::parse(document, channel, &Unchecked).map(|(configuration, _)| configuration)
    }
}

/// Reads a configuration at its place in a larger document. Without a channel (its own being wrong) the trigger's
/// default cannot be known, and there is no result.
pub(super) fn read(
    document: &Value,
    at: &At,
    channel: Option<Channel>,
    syntax: &dyn Syntax,
    report: &mut Report,
) -> Option<Configuration> {
    let mut object = Object::read(document, at, InvalidWorkflowConfig, report)?;
    if compact_bytes(document) > CONFIGURATION_BYTES_MAX {
        let message = format!("is larger than {} KiB", CONFIGURATION_BYTES_MAX / 1024);
        report.problem(at, InvalidWorkflowConfig, message);
        return None;
    }
    let mut context = Context { report, syntax, references: Vec::new() };
    let trigger = context
        .required(&mut object, "The configuration", "trigger")
        .and_then(|(value, at)| read_trigger(value, &at, channel, &mut context));
    let nodes = context
        .required(&mut object, "The configuration", "nodes")
        .and_then(|(value, at)| read_nodes(value, &at, &mut context));
    let wait_timeout_ms = if object.has("wait_timeout") {
        context.optional_duration(&mut object, "wait_timeout")
    } else {
        object.get("wait_timeout");
        Some(WAIT_TIMEOUT_DEFAULT_MS)
    };
    object.finish(context.report);
    Some(Configuration { trigger: trigger?, nodes: nodes?, wait_timeout_ms: wait_timeout_ms? })
}

fn compact_bytes(document: &Value) -> usize {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, document).map_or(usize::MAX, |()| counted.0)
}

/// Counts what is written, and keeps nothing.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read_trigger(
    value: &Value,
    at: &At,
    channel: Option<Channel>,
    context: &mut Context<'_>,
) -> Option<Trigger> {
    let mut object = Object::read(value, at, InvalidWorkflowConfig, context.report)?;
    let (trigger_type, type_at) = context.required_text(&mut object, "The trigger", "type")?;
    let trigger = match trigger_type.as_str() {
        "message" => {
            let keywords = context
                .required(&mut object, "The trigger", "keywords")
                .and_then(|(value, at)| read_keywords(value, &at, context));
            let channels = match object.get("channels") {
                (Some(value), at) => read_channels(value, &at, context),
                (None, _) => channel.map(|channel| vec![channel]),
            };
            keywords.zip(channels).map(|(keywords, channels)| Trigger::Message { keywords, channels })
        }
        "api" => {
            // It has neither, and null is neither.
            for name in ["keywords", "channels"] {
                if !object.has(name) {
                    object.get(name);
                }
            }
            Some(Trigger::Api)
        }
        other => {
            let message = format!("Unknown trigger type '{other}': must be message or api");
            context.report.problem(&type_at, InvalidWorkflowConfig, message);
            return None;
        }
    };
    object.finish(context.report);
    trigger
}

fn read_keywords(value: &Value, at: &At, context: &mut Context<'_>) -> Option<Vec<String>> {
    let items = context.filled_list(value, at, KEYWORDS_MAX)?;
    let mut keywords = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = at.item(index);
        let Some(keyword) = context.as_text(item, &at) else { continue };
        if keyword.chars().count() > KEYWORD_CHARS_MAX {
            let message = format!("is longer than {KEYWORD_CHARS_MAX} characters");
            context.report.problem(&at, InvalidWorkflowConfig, message);
        } else if !keyword.chars().any(char::is_alphanumeric) {
            // Keywords are found as whole words, so there must be something of a word in them.
            context.report.problem(&at, InvalidNodeConfig, "must have a letter or a digit");
        }
        keywords.push(keyword.to_owned());
    }
    Some(keywords)
}

fn read_channels(value: &Value, at: &At, context: &mut Context<'_>) -> Option<Vec<Channel>> {
    let items = context.filled_list(value, at, Channel::ALL.len())?;
    let mut channels = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = at.item(index);
        match context.as_text(item, &at).map(str::parse::<Channel>) {
            Some(Ok(channel)) if channels.contains(&channel) => {
                context.report.problem(&at, InvalidWorkflowConfig, "is named twice");
            }
            Some(Ok(channel)) => channels.push(channel),
            Some(Err(error)) => context.report.problem(&at, InvalidWorkflowConfig, error.to_string()),
            None => {}
        }
    }
    Some(channels)
}

fn read_nodes(value: &Value, at: &At, context: &mut Context<'_>) -> Option<Vec<Node>> {
    let Value::Array(items) = value else {
        context.report.problem(at, InvalidWorkflowConfig, format!("must be a list, not {}", kind(value)));
        return None;
    };
    if items.is_empty() {
        context.report.problem(at, InvalidWorkflowConfig, "The workflow has no nodes");
        return None;
    }
    if items.len() > NODES_MAX {
        context.report.problem(
            at,
            InvalidWorkflowConfig,
            format!("The workflow has more than {NODES_MAX} nodes"),
        );
        return None;
    }
    let nodes: Vec<Option<Node>> = items
        .iter()
        .enumerate()
        .map(|(index, item)| node::read(item, &at.item(index), index, context))
        .collect();
    check_ids(items, at, context);
    nodes.into_iter().collect()
}

/// Node ids are unique, and references name nodes.
fn check_ids(items: &[Value], at: &At, context: &mut Context<'_>) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let Some(id) = item.get("id").and_then(Value::as_str) else { continue };
        match first.get(id) {
            Some(earlier) => {
                let Some(mut object) =
                    Object::read(item, &at.item(index), InvalidWorkflowConfig, context.report)
                else {
                    continue;
                };
                let (_, at) = object.get("id");
                let message = format!("Node id '{id}' is used by nodes {earlier} and {index}");
                context.report.problem(&at, InvalidWorkflowConfig, message);
            }
            None => {
                first.insert(id, index);
            }
        }
    }
    let known: HashSet<&str> = first.into_keys().collect();
    for (at, id) in std::mem::take(&mut context.references) {
        if !known.contains(id.as_str()) {
            let message = format!("There is no node '{id}': the flow ends here");
            context.report.warning(&at, WarningCode::DanglingNext, message);
        }
    }
}
