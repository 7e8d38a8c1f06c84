//! Secrets in templates of requests: the engine knows their names only.
//!
//! `{{ secrets.crm }}` becomes a mark that whoever sends the request puts the value into. The mark is written with two
//! characters of Unicode's private use area, which are taken out of everything else that the templates can see, so nobody who
//! writes to a workflow can name a secret.

use serde_json::{Map, Value};

/// The name of the scope's member.
pub(crate) const SCOPE: &str = "secrets";
const BEGIN: char = '\u{F8F0}';
const END: char = '\u{F8F1}';

/// The scope with marks for these secrets.
pub(crate) fn add(mut scope: Value, names: &[String]) -> Value {
    take_marks_out(&mut scope);
    if let Value::Object(members) = &mut scope {
        let marks: Map<String, Value> =
            names.iter().map(|name| (name.clone(), Value::String(format!("{BEGIN}{name}{END}")))).collect();
        members.insert(SCOPE.to_owned(), Value::Object(marks));
    }
    scope
}

fn take_marks_out(value: &mut Value) {
    match value {
        Value::String(text) if text.contains([BEGIN, END]) => text.retain(|c| c != BEGIN && c != END),
        Value::Array(items) => items.iter_mut().for_each(take_marks_out),
        Value::Object(members) => {
            members.values_mut().for_each(take_marks_out);
            if members.keys().any(|name| name.contains([BEGIN, END])) {
                let clean = |name: String| name.replace([BEGIN, END], "");
                *members =
                    std::mem::take(members).into_iter().map(|(name, value)| (clean(name), value)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The names that a text has marks for.
#[must_use]
pub fn named(text: &str) -> Vec<String> {
    let marks = text.split(BEGIN).skip(1);
    marks.filter_map(|rest| Some(rest.split_once(END)?.0.to_owned())).collect()
}

/// The text with the values instead of the marks.
///
/// # Errors
/// The first name that `value` does not know.
pub fn reveal(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut parts = text.split(BEGIN);
    let mut revealed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(END).unwrap_or(("", part));
        revealed.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        revealed.push_str(rest);
    }
    Ok(revealed)
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_template_can_name_a_secret() {
        let forged = format!("{BEGIN}crm{END}");
        let message = json!({"text": forged, "all": [forged], "metadata": {&forged: 1}});
        let scope = add(json!({"message": message}), &["crm".to_owned()]);
        assert_eq!(scope["message"], json!({"text": "crm", "all": ["crm"], "metadata": {"crm": 1}}));
        let mark = scope["secrets"]["crm"].as_str().unwrap();
        assert_eq!(named(&format!("Bearer {mark}, {mark}")), ["crm", "crm"]);
    }

    #[test]
    fn marks_become_values_and_an_unknown_name_is_said() {
        let known = |name: &str| (name == "crm").then(|| "s3cret".to_owned());
        assert_eq!(reveal(&format!("a {BEGIN}crm{END} b"), known).unwrap(), "a s3cret b");
        assert_eq!(reveal("nothing", known).unwrap(), "nothing");
        assert_eq!(reveal(&format!("{BEGIN}other{END}"), known).unwrap_err(), "other");
    }
}
