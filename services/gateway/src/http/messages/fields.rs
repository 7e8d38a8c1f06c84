//! Fields that messages and API starts share.

use flow_model::Channel;
use flow_model::document::{At, Object, Report};
use flow_model::limits::{CUSTOMER_ID_CHARS_MAX, MESSAGE_CHARS_MAX};
use flow_model::problem::ProblemCode::{InvalidRequest, MissingRequiredField};

/// `customer_id`: the caller's own name for a customer.
pub(in crate::http) fn customer_id(object: &mut Object<'_>, report: &mut Report) -> Option<String> {
    let (text, at) = required(object, "customer_id", report);
    identifier(text?, &at, CUSTOMER_ID_CHARS_MAX, report)
}

/// A text that names something: short and without control characters.
pub(in crate::http) fn identifier(
    text: &str,
    at: &At,
    chars_max: usize,
    report: &mut Report,
) -> Option<String> {
    if text.chars().count() > chars_max {
        report.problem(at, InvalidRequest, format!("is longer than {chars_max} characters"));
        return None;
    }
    if text.chars().any(char::is_control) {
        report.problem(at, InvalidRequest, "must not hold control characters");
        return None;
    }
    Some(text.to_owned())
}

/// `channel`.
pub(in crate::http) fn channel(
    object: &mut Object<'_>,
    is_required: bool,
    report: &mut Report,
) -> Option<Channel> {
    let (text, at) = if is_required {
        required(object, "channel", report)
    } else {
        object.text("channel", InvalidRequest, report)
    };
    match text?.parse() {
        Ok(channel) => Some(channel),
        Err(error) => {
            report.problem(&at, InvalidRequest, format!("{error}"));
            None
        }
    }
}

/// `message`: what the customer says.
pub(in crate::http) fn message(object: &mut Object<'_>, report: &mut Report) -> Option<String> {
    let (text, at) = required(object, "message", report);
    let text = text?;
    if text.chars().count() > MESSAGE_CHARS_MAX {
        report.problem(&at, InvalidRequest, format!("is longer than {MESSAGE_CHARS_MAX} characters"));
    } else if text.contains('\0') {
        report.problem(&at, InvalidRequest, "must not hold NUL characters");
    }
    Some(text.to_owned())
}

/// A name that may be left out.
pub(in crate::http) fn optional_name(
    object: &mut Object<'_>,
    name: &'static str,
    chars_max: usize,
    report: &mut Report,
) -> Option<String> {
    let (text, at) = object.text(name, InvalidRequest, report);
    let text = text?;
    if text.trim().is_empty() {
        report.problem(&at, InvalidRequest, "must not be blank");
        return None;
    }
    identifier(text, &at, chars_max, report)
}

/// A text that may be left out.
pub(in crate::http) fn optional_text(
    object: &mut Object<'_>,
    name: &'static str,
    chars_max: usize,
    report: &mut Report,
) -> Option<String> {
    let (text, at) = object.text(name, InvalidRequest, report);
    let text = text?;
    if text.chars().count() > chars_max {
        report.problem(&at, InvalidRequest, format!("is longer than {chars_max} characters"));
    } else if text.contains('\0') {
        report.problem(&at, InvalidRequest, "must not hold NUL characters");
    }
    Some(text.to_owned())
}

/// A text that must be there and not blank.
pub(in crate::http) fn required<'a>(
    object: &mut Object<'a>,
    name: &'static str,
    report: &mut Report,
) -> (Option<&'a str>, At) {
    let given = object.has(name);
    let (text, at) = object.text(name, InvalidRequest, report);
    if !given {
        report.problem(&at, MissingRequiredField, format!("Field '{name}' is missing"));
    }
    let blank = text.is_some_and(|text| text.trim().is_empty());
    if blank {
        report.problem(&at, MissingRequiredField, format!("Field '{name}' is blank"));
    }
    (text.filter(|_| !blank), at)
}
