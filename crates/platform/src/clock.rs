//! Time and fresh ids: the only place that asks for either, so that everything else takes them as parameters.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

/// The time now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The time now in Unix milliseconds.
#[must_use]
pub fn now_ms() -> i64 {
    now().timestamp_millis()
}

/// A fresh UUIDv7 (RFC 9562): sorts by its time, which is now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
pub fn new_uuid_v7() -> Uuid {
    Uuid::now_v7()
}

/// A fresh random UUID (version 4).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
pub fn new_uuid_v4() -> Uuid {
    Uuid::new_v4()
}

/// A time in Unix milliseconds as the API writes it: RFC 3339, UTC, milliseconds, `Z`.
///
/// A time outside the years that chrono knows (±262,000) is written as the start of 1970.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(super::rfc3339(1_706_178_600_007), "2024-01-25T10:30:00.007Z");
    }
}
