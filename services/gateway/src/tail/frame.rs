//! Text of an event stream (WHATWG HTML §9.2): comments, and events with their fields.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::Value;
use serde_json::value::RawValue;

use super::place::Place;

/// Milliseconds after which a caller that lost the connection asks again.
const RETRY_MS: u32 = 2000;

/// What a tail says first: how to come again, and where.
pub(super) fn opening(place: &Place) -> String {
    format!("retry: {RETRY_MS}\n: what happens from here on\nid: {place}\n\n")
}

/// A sign of life. An id without data is no event, and moves the place from which a caller comes again.
pub(super) fn alive(place: &Place) -> String {
    format!(": alive\nid: {place}\n\n")
}

/// A comment of one line.
pub(super) fn comment(text: &str) -> String {
    format!(": {text}\n\n")
}

/// Something that a program should know: events may be missing before this.
pub(super) fn gap(reason: Reason, place: &Place) -> String {
    let (code, text) = reason.words();
    format!(
        ": events may be missing here: {text}\nevent: gap\nid: {place}\ndata: {{\"reason\":\"{code}\"}}\n\n"
    )
}

/// Why events may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// They were removed before they were read.
    Expired,
    /// The stream is another one.
    MadeAgain,
}

impl Reason {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Expired => ("expired", "older ones are not kept any more; this begins with the oldest"),
            Self::MadeAgain => {
                ("stream_made_again", "their stream was made again; this begins with the oldest")
            }
        }
    }
}

/// The last thing that a tail says: nothing comes after it.
pub(super) fn end(reason: End, place: &Place) -> String {
    let (code, text) = reason.words();
    format!(": this ends here: {text}\nevent: end\nid: {place}\ndata: {{\"reason\":\"{code}\"}}\n\n")
}

/// Why a tail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The access token that it was opened with is over.
    TokenExpired,
    /// The key or token that it was opened with lets nobody in any more.
    Unauthorized,
}

impl End {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TokenExpired => {
                ("token_expired", "the access token has expired; come again with another one")
            }
            Self::Unauthorized => ("unauthorized", "the API key or access token is not valid any more"),
        }
    }
}

/// Adds an event, its JSON on one line.
pub(super) fn event(out: &mut String, event_type: &str, place: &Place, raw: &RawValue) {
    let json = one_line(raw);
    // A String takes everything.
    write!(out, "id: {place}\nevent: {event_type}\ndata: {json}\n\n").ok();
}

/// Texts of JSON hold no line breaks; what stands between them may.
fn one_line(raw: &RawValue) -> Cow<'_, str> {
    let text = raw.get();
    if text.contains(['\n', '\r']) {
        serde_json::from_str::<Value>(text).map_or(Cow::Borrowed("null"), |value| value.to_string().into())
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { incarnation: 16, seq: 1, taken: 2, stamp: 3 };

    #[test]
    fn an_event_is_an_id_a_type_and_one_line_of_data() {
        for (json, data) in [
            (r#"{"a":"x\ny"}"#, r#"{"a":"x\ny"}"#),
            ("{\"a\":\r\n 1}", r#"{"a":1}"#),
            ("{\"a\":\r 1}", r#"{"a":1}"#),
        ] {
            let mut out = String::new();
            event(&mut out, "message.sent", &PLACE, &RawValue::from_string(json.to_owned()).unwrap());
            assert_eq!(out, format!("id: 10-1-2-3\nevent: message.sent\ndata: {data}\n\n"));
        }
    }

    #[test]
    fn what_is_no_event_has_no_data_and_ends_with_an_empty_line() {
        for text in [opening(&PLACE), alive(&PLACE), comment("x")] {
            assert!(text.ends_with("\n\n") && !text.contains("data:"), "{text}");
        }
        let gaps = [Reason::Expired, Reason::MadeAgain].map(|reason| (gap(reason, &PLACE), reason.words().0));
        let ends = [End::TokenExpired, End::Unauthorized].map(|end| (self::end(end, &PLACE), end.words().0));
        for (text, code) in [gaps, ends].concat() {
            let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            assert_eq!(data, [format!("{{\"reason\":\"{code}\"}}")], "{text}");
        }
    }
}
