//! What texts of bodies may hold, as regular expressions: what the handlers check by hand.
#![expect(clippy::indexing_slicing, reason = "assigning to a name of a JSON object inserts it")]

use serde_json::{Map, Value, json};

use crate::http::knowledge_bases::NAME_PATTERN;
use crate::oauth::REDIRECT_URI_CHARS_MAX;

/// Anything but control characters.
pub(in crate::http) const NO_CONTROLS: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";
/// Anything but NUL, which the database does not take.
pub(in crate::http) const NO_NUL: &str = r"^[^\x00]*$";
/// The id of an operation.
pub(in crate::http) const OPERATION_ID: &str = "^[A-Za-z0-9]+$";
/// What a header can carry, without blanks around it.
pub(super) const VISIBLE: &str = "^[!-~]([ -~]*[!-~])?$";

/// White space as Unicode defines it, for a class of characters.
macro_rules! blanks {
    () => {
        r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    };
}

/// Something other than blanks.
const NOT_BLANK: &str = concat!("[^", blanks!(), "]");
/// The same in a line without control characters.
const LINE: &str =
    concat!(r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f", blanks!(), r"][^\x00-\x1f\x7f-\x9f]*$");
/// The same in a line that may have any blanks around it.
const NAME: &str = concat!(
    "^[",
    blanks!(),
    r"]*[^\x00-\x1f\x7f-\x9f",
    blanks!(),
    r"]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f",
    blanks!(),
    "])?[",
    blanks!(),
    "]*$"
);
/// The same in a text without NUL.
const TEXT: &str = concat!(r"^[^\x00]*[^\x00", blanks!(), r"][^\x00]*$");

/// `90s`, `15m`, `2h`, `1d`, or ISO 8601 in weeks, days, hours, minutes and seconds.
const DURATION: &str = "^([0-9]{1,8}[smhd]|P(([0-9]{1,8}W([0-9]{1,8}D)?|[0-9]{1,8}D)(T([0-9]{1,8}H([0-9]{1,8}M)?([0-9]{1,8}S)?|\
[0-9]{1,8}M([0-9]{1,8}S)?|[0-9]{1,8}S))?|T([0-9]{1,8}H([0-9]{1,8}M)?([0-9]{1,8}S)?|[0-9]{1,8}M([0-9]{1,8}S)?|[0-9]{1,8}S)))$";
/// An http or https URL, or a template that begins with what it is made of.
const URL: &str = concat!("^[", blanks!(), r"]*([Hh][Tt][Tt][Pp][Ss]?://|\{\{)");

/// An https URL, or an http one of the user's own machine; not every one is taken.
const REDIRECT_URI: &str =
    r"^(https://[0-9a-z.-]+|http://(127\.0\.0\.1|\[::1\]|localhost))(:[0-9]{1,5})?(/[^#@\s]*)?$";

/// The fields of the schemas whose texts are bounded by more than their lengths.
const PATTERNS: [(&str, &str, &str); 29] = [
    ("NewWorkflow", "name", NAME),
    ("NewWorkflow", "description", NO_NUL),
    ("WorkflowChange", "name", NAME),
    ("WorkflowChange", "description", NO_NUL),
    ("Configuration", "wait_timeout", DURATION),
    ("MessageNode", "content", NOT_BLANK),
    ("FormNode", "timeout", DURATION),
    ("FormField", "label", NOT_BLANK),
    ("AiResponseNode", "knowledge_base", NOT_BLANK),
    ("Branch", "when", NOT_BLANK),
    ("DelayNode", "duration", DURATION),
    ("HttpRequestNode", "url", URL),
    ("NewApiKey", "name", LINE),
    ("NewOAuthClient", "name", LINE),
    ("Rotation", "overlap", DURATION),
    ("NewKnowledgeBase", "name", NAME_PATTERN),
    ("NewKnowledgeBase", "description", NO_NUL),
    ("KnowledgeSearch", "query", TEXT),
    ("Assignment", "team", LINE),
    ("Assignment", "agent", LINE),
    ("Assignment", "note", NO_NUL),
    ("Assignment", "return_after", DURATION),
    ("NewConversationMessage", "message", TEXT),
    ("NewConversationMessage", "agent", LINE),
    ("NewMessage", "customer_id", LINE),
    ("NewMessage", "message", TEXT),
    ("NewMessage", "message_id", NO_CONTROLS),
    ("NewExecution", "customer_id", LINE),
    ("NewExecutionInput", "message", TEXT),
];

/// Adds them to the schemas, and what maps and lists of texts hold.
pub(super) fn describe(components: &mut Map<String, Value>) {
    for (schema, field, pattern) in PATTERNS {
        at(components, schema, field)["pattern"] = json!(pattern);
    }
    let keywords = at(components, "Trigger", "keywords");
    keywords["items"] = json!({"type": "string", "minLength": 1, "maxLength": 100});
    at(components, "Trigger", "channels")["uniqueItems"] = json!(true);
    at(components, "NewOAuthClient", "grant_types")["uniqueItems"] = json!(true);
    let uris = at(components, "NewOAuthClient", "redirect_uris");
    uris["uniqueItems"] = json!(true);
    uris["items"] = json!({"type": "string", "maxLength": REDIRECT_URI_CHARS_MAX, "pattern": REDIRECT_URI});
    let options = at(components, "FormField", "options");
    options["items"] = json!({"type": "string", "minLength": 1, "maxLength": 1024, "pattern": NOT_BLANK});
    let values = at(components, "SetNode", "values");
    values["propertyNames"] = json!({"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"});
    values["minProperties"] = json!(1);
    values["maxProperties"] = json!(50);
    values["additionalProperties"] = json!({"type": "string", "maxLength": 4096});
    let headers = at(components, "HttpRequestNode", "headers");
    headers["propertyNames"] = json!({"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"});
    headers["maxProperties"] = json!(50);
    headers["additionalProperties"] = json!({"type": "string", "maxLength": 4096});
}

fn at<'a>(components: &'a mut Map<String, Value>, schema: &str, field: &str) -> &'a mut Value {
    &mut components[schema]["properties"][field]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a value fits a pattern.
    fn fits(pattern: &str, text: &str) -> bool {
        jsonschema::draft202012::is_valid(&json!({"pattern": pattern}), &json!(text))
    }

    #[test]
    fn the_patterns_say_what_the_handlers_check() {
        for (pattern, good, bad) in [
            (NAME, ["a", "\n Über uns\u{3000}"], ["", "a\nb"]),
            (LINE, [" a b", "\u{2003}x"], [" \u{3000}", "a\n"]),
            (TEXT, ["a\n", "\n\u{7}b"], ["\n ", "a\0"]),
            (URL, [" HTTPS://a", "{{ vars.url }}"], ["ftp://a", "example.com"]),
            (NO_CONTROLS, [" ", "ä"], ["", "\u{85}"]),
        ] {
            for text in good {
                assert!(fits(pattern, text), "{text:?} {pattern}");
            }
            for text in bad {
                assert!(!fits(pattern, text), "{text:?} {pattern}");
            }
        }
    }

    #[test]
    fn durations_fit_when_they_can_be_read() {
        for text in ["90s", "15m", "1d", "PT1H30M", "P1DT1S", "P2W", "P1W2D", "PT5S", "P1DT2M"] {
            assert!(flow_model::duration::parse_ms(text).is_some() && fits(DURATION, text), "{text}");
        }
        for text in ["", "s", "-1s", "1.5h", "P", "PT", "P1DT", "PT1M1H", "P1Y", "1D"] {
            assert!(flow_model::duration::parse_ms(text).is_none() && !fits(DURATION, text), "{text}");
        }
    }
}
