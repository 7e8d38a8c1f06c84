//! Form nodes.

use serde_json::Value;

use super::text::{Context, is_variable_name};
use crate::document::{At, Object, kind};
use crate::limits::{ATTEMPTS_MAX, FORM_FIELDS_MAX, LABEL_CHARS_MAX, OPTIONS_MAX};
use crate::problem::ProblemCode::{InvalidNodeConfig, InvalidWorkflowConfig};
use crate::workflow::{Form, FormField, FormFieldType};

/// Answers that do not fit before a form gives up, unless it says otherwise.
const ATTEMPTS_DEFAULT: u32 = 3;

/// Reads a form; `owner` names the node in messages.
pub(super) fn read(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<Form> {
    let fields = context
        .required(object, owner, "fields")
        .and_then(|(value, at)| read_fields(value, &at, owner, context));
    let max_attempts = context.optional_number(object, "max_attempts", 1..=ATTEMPTS_MAX);
    let on_invalid = context.node_reference(object, "on_invalid");
    let timeout_ms = context.optional_duration(object, "timeout");
    let on_timeout = context.node_reference(object, "on_timeout");
    Some(Form {
        fields: fields?,
        max_attempts: max_attempts.unwrap_or(ATTEMPTS_DEFAULT),
        on_invalid,
        timeout_ms,
        on_timeout,
    })
}

fn read_fields(value: &Value, at: &At, owner: &str, context: &mut Context<'_>) -> Option<Vec<FormField>> {
    let items = context.filled_list(value, at, FORM_FIELDS_MAX)?;
    let mut fields: Vec<FormField> = Vec::with_capacity(items.len());
    let mut complete = true;
    for (index, item) in items.iter().enumerate() {
        let at = at.item(index);
        match read_field(item, &at, &format!("Field {index} of {owner}"), context) {
            Some((field, name_at)) => {
                if fields.iter().any(|earlier| earlier.name == field.name) {
                    let message = format!("Field name '{}' is used twice", field.name);
                    context.report.problem(&name_at, InvalidWorkflowConfig, message);
                }
                fields.push(field);
            }
            None => complete = false,
        }
    }
    complete.then_some(fields)
}

fn read_field(value: &Value, at: &At, owner: &str, context: &mut Context<'_>) -> Option<(FormField, At)> {
    let mut object = Object::read(value, at, InvalidWorkflowConfig, context.report)?;
    let name = context.required_text(&mut object, owner, "name");
    if let Some((name, at)) = &name
        && !is_variable_name(name)
    {
        let message = "must be 1 to 64 letters, digits or '_', and not begin with a digit";
        context.report.problem(at, InvalidNodeConfig, message);
    }
    let field_type = read_type(&mut object, owner, context);
    if !object.has("options") {
        // Null is no options, whatever the type.
        object.get("options");
    }
    let required = read_required(&mut object, context);
    let label = context.required_text(&mut object, owner, "label");
    if let Some((label, at)) = &label {
        if label.trim().is_empty() {
            context.report.problem(at, InvalidNodeConfig, "must not be blank");
        }
        context.check_template(label, at, LABEL_CHARS_MAX);
    }
    object.finish(context.report);
    let (name, name_at) = name?;
    let (label, _) = label?;
    Some((FormField { name, field_type: field_type?, required: required?, label }, name_at))
}

/// A field is required unless it says that it is not.
fn read_required(object: &mut Object<'_>, context: &mut Context<'_>) -> Option<bool> {
    match object.get("required") {
        (None, _) => Some(true),
        (Some(Value::Bool(required)), _) => Some(*required),
        (Some(other), at) => {
            let message = format!("must be a boolean, not {}", kind(other));
            context.report.problem(&at, InvalidWorkflowConfig, message);
            None
        }
    }
}

fn read_type(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<FormFieldType> {
    let (name, at) = context.required_text(object, owner, "type")?;
    Some(match name.as_str() {
        "text" => FormFieldType::Text,
        "email" => FormFieldType::Email,
        "phone" => FormFieldType::Phone,
        "number" => FormFieldType::Number,
        "date" => FormFieldType::Date,
        "boolean" => FormFieldType::Boolean,
        "choice" => FormFieldType::Choice { options: read_options(object, owner, context)? },
        other => {
            let message = format!(
                "Unknown field type '{other}': must be text, email, phone, number, date, boolean or choice"
            );
            context.report.problem(&at, InvalidNodeConfig, message);
            // What belongs to the type is not to be called unknown because of it.
            object.get("options");
            return None;
        }
    })
}

fn read_options(object: &mut Object<'_>, owner: &str, context: &mut Context<'_>) -> Option<Vec<String>> {
    let (value, at) = context.required(object, owner, "options")?;
    let items = context.filled_list(value, &at, OPTIONS_MAX)?;
    let mut options: Vec<String> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = at.item(index);
        let written = context.as_text(item, &at)?;
        let option = written.trim();
        if option.is_empty() {
            context.report.problem(&at, InvalidNodeConfig, "must not be blank");
        } else if written.chars().count() > LABEL_CHARS_MAX {
            let message = format!("is longer than {LABEL_CHARS_MAX} characters");
            context.report.problem(&at, InvalidWorkflowConfig, message);
        } else if options.iter().any(|earlier| earlier.to_lowercase() == option.to_lowercase()) {
            context.report.problem(&at, InvalidNodeConfig, "is there twice");
        }
        options.push(option.to_owned());
    }
    Some(options)
}
