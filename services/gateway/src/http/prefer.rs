//! `Prefer: wait=<seconds>` (RFC 7240): the caller would rather have the result than an early answer.

use std::time::Duration;

use actix_web::HttpRequest;

use super::error::ApiError;

/// Seconds that a caller may wait.
const WAIT_SECONDS_MAX: u64 = 30;

/// How long the caller wants to wait; none when it does not. Other preferences are passed over, as the RFC asks, and
/// of several waits the first counts.
pub(super) fn wait(request: &HttpRequest) -> Result<Option<Duration>, ApiError> {
    for header in request.headers().get_all("prefer") {
        let text = header.to_str().map_err(|_| refused())?;
        if let Some(wait) = parse(text)? {
            return Ok(Some(wait));
        }
    }
    Ok(None)
}

fn parse(text: &str) -> Result<Option<Duration>, ApiError> {
    for preference in split(text, ',') {
        // What follows are parameters of the preference; `wait` has none.
        let preference = split(preference, ';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        if !name.trim().eq_ignore_ascii_case("wait") {
            continue;
        }
        let value = unquoted(value.trim());
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let seconds =
            value.parse::<u64>().ok().filter(|seconds| digits && (1..=WAIT_SECONDS_MAX).contains(seconds));
        return seconds.map(|seconds| Some(Duration::from_secs(seconds))).ok_or_else(refused);
    }
    Ok(None)
}

/// The parts between separators, those inside quoted strings left alone.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |char: char| {
        let separates = char == separator && !quoted;
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        separates
    })
}

/// A word of the header: a token, or what a quoted string says.
fn unquoted(word: &str) -> String {
    let Some(inner) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return word.to_owned();
    };
    let mut escaped = false;
    let says = |char: &char| {
        escaped = *char == '\\' && !escaped;
        !escaped
    };
    inner.chars().filter(says).collect()
}

fn refused() -> ApiError {
    let details = format!("Prefer: wait=<seconds> takes a whole number from 1 to {WAIT_SECONDS_MAX}");
    ApiError::invalid("Prefer", details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_read_among_other_preferences() {
        for (text, seconds) in [
            ("wait=5", Some(5)),
            ("return=minimal, Wait=30", Some(30)),
            ("wait=\"7\"", Some(7)),
            ("wait = \"\\1\\0\"", Some(10)),
            ("wait=10; a=b", Some(10)),
            ("wait=10;", Some(10)),
            ("wait=10 ;a=\"x,wait=99\"", Some(10)),
            ("wait=8, wait=9", Some(8)),
            (", ,wait=6,", Some(6)),
            ("foo=\"a,wait=99\"", None),
            ("foo=\"a\\\",wait=99\", wait=4", Some(4)),
            ("foo; wait=99", None),
            ("respond-async", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok(), Some(seconds.map(Duration::from_secs)), "{text}");
        }
    }

    #[test]
    fn a_wait_that_makes_no_sense_is_refused() {
        for text in [
            "wait",
            "wait=",
            "wait=0",
            "wait=31",
            "wait=-1",
            "wait=+5",
            "wait=1.5",
            "wait=soon",
            "wait=\"5",
            "wait; a=5",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
