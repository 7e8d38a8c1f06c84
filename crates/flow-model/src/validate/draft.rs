//! The bodies of create and update.

use serde_json::Value;

use super::{Syntax, configuration};
use crate::channel::Channel;
use crate::document::{At, Object, Report};
use crate::limits::{DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX};
use crate::problem::ProblemCode::{InvalidRequest, MissingRequiredField};
use crate::problem::{Problem, Warning};
use crate::workflow::Configuration;

/// A workflow to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowDraft {
    /// Without outer blanks.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// The workflow's own channel.
    pub channel: Channel,
    /// As the user wrote it.
    pub configuration_json: Value,
    /// What it means.
    pub configuration: Configuration,
}

impl WorkflowDraft {
    /// Checks the body of create.
    ///
    /// # Errors
    /// All problems, in the order of the document.
    pub fn parse(body: &Value, syntax: &dyn Syntax) -> Result<(Self, Vec<Warning>), Vec<Problem>> {
        let mut report = Report::default();
        let draft = read_draft(body, syntax, &mut report);
        report.into_result(draft)
    }
}

fn read_draft(body: &Value, syntax: &dyn Syntax, report: &mut Report) -> Option<WorkflowDraft> {
    let mut object = Object::read(body, &At::root(), InvalidRequest, report)?;
    let name = read_name(&mut object, true, report);
    let description = read_description(&mut object, report);
    let (channel, _) = read_channel(&mut object, true, report);
    let (document, at) = object.get("configuration");
    let configuration = if let Some(document) = document {
        configuration::read(document, &at, channel, syntax, report)
    } else {
        report.problem(&at, MissingRequiredField, "Field 'configuration' is missing");
        None
    };
    object.finish(report);
    Some(WorkflowDraft {
        name: name?,
        description: description.unwrap_or_default(),
        channel: channel?,
        configuration_json: document?.clone(),
        configuration: configuration?,
    })
}

/// Changes to a workflow; what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkflowPatch {
    /// Without outer blanks.
    pub name: Option<String>,
    /// May be empty.
    pub description: Option<String>,
    /// The workflow's own channel.
    pub channel: Option<Channel>,
    /// As the user wrote it, and what it means on the channel that the workflow will have.
    pub configuration: Option<(Value, Configuration)>,
}

impl WorkflowPatch {
    /// Checks the body of update. `current` is the channel that the workflow has.
    ///
    /// # Errors
    /// All problems, in the order of the document.
    pub fn parse(
        body: &Value,
        current: Channel,
        syntax: &dyn Syntax,
    ) -> Result<(Self, Vec<Warning>), Vec<Problem>> {
        let mut report = Report::default();
        let patch = read_patch(body, current, syntax, &mut report);
        report.into_result(patch)
    }
}

fn read_patch(
    body: &Value,
    current: Channel,
    syntax: &dyn Syntax,
    report: &mut Report,
) -> Option<WorkflowPatch> {
    let mut object = Object::read(body, &At::root(), InvalidRequest, report)?;
    let name = read_name(&mut object, false, report);
    let description = read_description(&mut object, report);
    let (channel, channel_is_given) = read_channel(&mut object, false, report);
    let effective = if channel_is_given { channel } else { Some(current) };
    let (document, at) = object.get("configuration");
    let configuration = document.and_then(|document| {
        Some((document.clone(), configuration::read(document, &at, effective, syntax, report)?))
    });
    object.finish(report);
    Some(WorkflowPatch { name, description, channel, configuration })
}

fn read_name(object: &mut Object<'_>, required: bool, report: &mut Report) -> Option<String> {
    let given = object.has("name");
    let (name, at) = object.text("name", InvalidRequest, report);
    let Some(written) = name else {
        if required && !given {
            report.problem(&at, MissingRequiredField, "Field 'name' is missing");
        }
        return None;
    };
    let name = written.trim();
    if name.is_empty() {
        report.problem(&at, MissingRequiredField, "Field 'name' is blank");
    } else if written.chars().count() > NAME_CHARS_MAX {
        report.problem(&at, InvalidRequest, format!("is longer than {NAME_CHARS_MAX} characters"));
    } else if name.chars().any(char::is_control) {
        report.problem(&at, InvalidRequest, "must not hold control characters");
    }
    Some(name.to_owned())
}

fn read_description(object: &mut Object<'_>, report: &mut Report) -> Option<String> {
    let (description, at) = object.text("description", InvalidRequest, report);
    let description = description?;
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        report.problem(&at, InvalidRequest, format!("is longer than {DESCRIPTION_CHARS_MAX} characters"));
    } else if description.contains('\0') {
        report.problem(&at, InvalidRequest, "must not hold NUL characters");
    }
    Some(description.to_owned())
}

/// The channel, if it is one, and whether the field is there at all.
fn read_channel(object: &mut Object<'_>, required: bool, report: &mut Report) -> (Option<Channel>, bool) {
    let given = object.has("channel");
    let (text, at) = object.text("channel", InvalidRequest, report);
    let Some(text) = text else {
        if required && !given {
            report.problem(&at, MissingRequiredField, "Field 'channel' is missing");
        }
        return (None, given);
    };
    if text.trim().is_empty() {
        report.problem(&at, MissingRequiredField, "Field 'channel' is blank");
        return (None, given);
    }
    match text.parse() {
        Ok(channel) => (Some(channel), given),
        Err(error) => {
            report.problem(&at, InvalidRequest, format!("{error}"));
            (None, given)
        }
    }
}
