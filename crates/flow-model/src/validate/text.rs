//! Text fields inside a configuration, and other values that many nodes share.

use serde_json::Value;

use super::Syntax;
use crate::document::{At, Object, Report, kind, whole_number};
use crate::duration;
use crate::limits::{CONTENT_CHARS_MAX, EXPRESSION_BYTES_MAX, NODE_ID_CHARS_MAX, WAIT_MAX_MS, WAIT_MIN_MS};
use crate::problem::ProblemCode::{InvalidNodeConfig, InvalidWorkflowConfig};

/// What node readers need: where problems go, and how sources are checked.
pub(super) struct Context<'a> {
    pub report: &'a mut Report,
    pub syntax: &'a dyn Syntax,
    /// References to nodes, to be looked at when all nodes are known.
    pub references: Vec<(At, String)>,
}

impl Context<'_> {
    /// A required field, with the message that names the node.
    pub fn required<'v>(
        &mut self,
        object: &mut Object<'v>,
        owner: &str,
        name: &'static str,
    ) -> Option<(&'v Value, At)> {
        let (value, at) = object.get(name);
        if value.is_none() {
            let message = format!("{owner} is missing required field '{name}'");
            self.report.problem(&at, InvalidWorkflowConfig, message);
        }
        value.map(|value| (value, at))
    }

    /// A required text.
    pub fn required_text(
        &mut self,
        object: &mut Object<'_>,
        owner: &str,
        name: &'static str,
    ) -> Option<(String, At)> {
        let (value, at) = self.required(object, owner, name)?;
        let text = self.as_text(value, &at)?;
        Some((text.to_owned(), at))
    }

    /// An optional text.
    pub fn optional_text(&mut self, object: &mut Object<'_>, name: &'static str) -> Option<(String, At)> {
        let (text, at) = object.text(name, InvalidWorkflowConfig, self.report);
        text.map(|text| (text.to_owned(), at))
    }

    /// A text value.
    pub fn as_text<'v>(&mut self, value: &'v Value, at: &At) -> Option<&'v str> {
        if let Value::String(text) = value {
            return Some(text);
        }
        self.report.problem(at, InvalidWorkflowConfig, format!("must be a string, not {}", kind(value)));
        None
    }

    /// A required template that is not blank.
    pub fn required_template(
        &mut self,
        object: &mut Object<'_>,
        owner: &str,
        name: &'static str,
    ) -> Option<String> {
        let (text, at) = self.required_text(object, owner, name)?;
        if text.trim().is_empty() {
            self.report.problem(&at, InvalidNodeConfig, "must not be blank");
        }
        self.check_template(&text, &at, CONTENT_CHARS_MAX);
        Some(text)
    }

    /// An optional template.
    pub fn optional_template(&mut self, object: &mut Object<'_>, name: &'static str) -> Option<String> {
        let (text, at) = self.optional_text(object, name)?;
        self.check_template(&text, &at, CONTENT_CHARS_MAX);
        Some(text)
    }

    /// Checks length and syntax of a template.
    pub fn check_template(&mut self, text: &str, at: &At, chars_max: usize) {
        self.check_syntax(text, at, chars_max, |syntax| syntax.template(text));
    }

    /// Checks length and syntax of a template of a request.
    pub fn check_request_template(&mut self, text: &str, at: &At) {
        self.check_syntax(text, at, CONTENT_CHARS_MAX, |syntax| syntax.request_template(text));
    }

    fn check_syntax(
        &mut self,
        text: &str,
        at: &At,
        chars_max: usize,
        check: impl FnOnce(&dyn Syntax) -> Result<(), String>,
    ) {
        if text.chars().count() > chars_max {
            let message = format!("is longer than {chars_max} characters");
            self.report.problem(at, InvalidWorkflowConfig, message);
        } else if let Err(error) = check(self.syntax) {
            self.report.problem(at, InvalidNodeConfig, format!("is not a template that can work: {error}"));
        }
    }

    /// Checks length and syntax of an expression.
    pub fn check_expression(&mut self, text: &str, at: &At) {
        if text.len() > EXPRESSION_BYTES_MAX {
            let message = format!("is longer than {EXPRESSION_BYTES_MAX} bytes");
            self.report.problem(at, InvalidWorkflowConfig, message);
        } else if let Err(error) = self.syntax.expression(text) {
            self.report.problem(
                at,
                InvalidNodeConfig,
                format!("is not an expression that can work: {error}"),
            );
        }
    }

    /// A reference to a node. One that does not exist ends the flow there.
    pub fn node_reference(&mut self, object: &mut Object<'_>, name: &'static str) -> Option<String> {
        let (text, at) = self.optional_text(object, name)?;
        if !is_node_id(&text) {
            self.report.problem(&at, InvalidWorkflowConfig, NODE_ID_RULE);
            return None;
        }
        self.references.push((at, text.clone()));
        Some(text)
    }

    /// A duration in milliseconds.
    pub fn duration(&mut self, text: &str, at: &At) -> Option<i64> {
        match duration::parse_ms(text) {
            Some(ms) if (WAIT_MIN_MS..=WAIT_MAX_MS).contains(&ms) => Some(ms),
            Some(_) => {
                self.report.problem(at, InvalidNodeConfig, "must be from 1 second to 365 days");
                None
            }
            None => {
                let message = "is not a duration such as 90s, 15m, 2h or PT1H30M";
                self.report.problem(at, InvalidNodeConfig, message);
                None
            }
        }
    }

    /// An optional duration field in milliseconds.
    pub fn optional_duration(&mut self, object: &mut Object<'_>, name: &'static str) -> Option<i64> {
        let (text, at) = self.optional_text(object, name)?;
        self.duration(&text, &at)
    }

    /// An optional whole number within bounds.
    pub fn optional_number(
        &mut self,
        object: &mut Object<'_>,
        name: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u32> {
        let (value, at) = object.get(name);
        let value = value?;
        let number = whole_number(value).filter(|number| bounds.contains(number));
        if number.is_none() {
            let (code, message) = if value.is_number() {
                let message = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
                (InvalidNodeConfig, message)
            } else {
                (InvalidWorkflowConfig, format!("must be a number, not {}", kind(value)))
            };
            self.report.problem(&at, code, message);
        }
        number.and_then(|number| u32::try_from(number).ok())
    }

    /// A list with at least one item and at most `items_max`.
    pub fn filled_list<'v>(&mut self, value: &'v Value, at: &At, items_max: usize) -> Option<&'v [Value]> {
        let Value::Array(items) = value else {
            self.report.problem(at, InvalidWorkflowConfig, format!("must be a list, not {}", kind(value)));
            return None;
        };
        if items.is_empty() {
            self.report.problem(at, InvalidWorkflowConfig, "must have at least one item");
            return None;
        }
        if items.len() > items_max {
            self.report.problem(at, InvalidWorkflowConfig, format!("has more than {items_max} items"));
            return None;
        }
        Some(items)
    }
}

/// What an id of a node looks like.
pub(super) const NODE_ID_RULE: &str = "must be 1 to 64 letters, digits, '_' or '-'";

pub(super) fn is_node_id(text: &str) -> bool {
    (1..=NODE_ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether a variable may have this name, so that `vars.<name>` works in templates and expressions.
pub(super) fn is_variable_name(text: &str) -> bool {
    (1..=NODE_ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}
