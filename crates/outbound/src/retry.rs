//! Whether and when what failed may be tried again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// A server that wants to be left alone for longer is asked again after this: nobody waits that long for a conversation.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Whether the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail in the same way.
    Never,
    /// Whenever the caller likes.
    Any,
    /// Not before this time is over: the other side has said so (`Retry-After`), 1 h at most.
    After(Duration),
}

impl Retry {
    /// Whether there is a point in trying again.
    #[must_use]
    pub fn is_possible(self) -> bool {
        self != Self::Never
    }

    /// What an answer that is not a success says of it: what may pass (408, 425, 429 and all of 5xx but 501 and 505) may be
    /// tried again, when the server likes.
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let passes = match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
            other => other.is_server_error(),
        };
        if !passes {
            return Self::Never;
        }
        let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        after.and_then(|text| retry_after(text, now)).map_or(Self::Any, Self::After)
    }
}

/// Seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let wanted = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(wanted.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:49:00Z").unwrap().to_utc();
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let mut headers = HeaderMap::new();
        let of =
            |status: u16, headers: &HeaderMap| Retry::of(StatusCode::from_u16(status).unwrap(), headers, now);
        for status in [400, 401, 403, 404, 409, 410, 422, 501, 505] {
            assert_eq!(of(status, &headers), Retry::Never, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(of(status, &headers), Retry::Any, "{status}");
        }
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(of(503, &headers), Retry::After(Duration::from_secs(7)));
        assert_eq!(of(404, &headers), Retry::Never);
    }
}
