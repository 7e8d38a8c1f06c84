//! The headers that a workflow sends.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// What makes a repetition known as one, to servers that look at it.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Headers that a workflow may give at most.
const HEADERS_MAX: usize = 50;
/// Bytes of a header's value at most.
const VALUE_BYTES_MAX: usize = 8 * 1024;
/// Headers that belong to the connection, so that a workflow's would break it, or make a server and what stands before it
/// see different requests.
const OURS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// A header that is not sent. Its value is not told: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHeader {
    #[error("There are more than {HEADERS_MAX} headers")]
    TooMany,
    #[error("'{0}' is not the name of a header")]
    Name(String),
    #[error("The header '{0}' belongs to the connection and cannot be set")]
    Ours(String),
    #[error("The value of the header '{0}' cannot be sent")]
    Value(String),
}

/// A workflow's headers, with the key of this call and the type of its body unless the workflow gives its own.
pub(crate) fn headers(
    given: &BTreeMap<String, String>,
    idempotency_key: &str,
    body: Option<&Value>,
) -> Result<HeaderMap, BadHeader> {
    if given.len() > HEADERS_MAX {
        return Err(BadHeader::TooMany);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let (name, value) = header(name, value)?;
        headers.append(name, value);
    }
    if !headers.contains_key(IDEMPOTENCY_KEY) {
        let (name, value) = header(IDEMPOTENCY_KEY, idempotency_key)?;
        headers.insert(name, value);
    }
    if let Some(body) = body
        && !headers.contains_key(CONTENT_TYPE)
    {
        let kind = if body.is_string() { "text/plain; charset=utf-8" } else { "application/json" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(headers)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BadHeader> {
    let shown = || name.chars().take(100).collect::<String>();
    let known = HeaderName::try_from(name).map_err(|_| BadHeader::Name(shown()))?;
    if OURS.contains(&known.as_str()) {
        return Err(BadHeader::Ours(shown()));
    }
    let mut value = HeaderValue::try_from(value.trim())
        .ok()
        .filter(|value| value.len() <= VALUE_BYTES_MAX)
        .ok_or_else(|| BadHeader::Value(shown()))?;
    // Any of them may carry a secret, so none shows itself.
    value.set_sensitive(true);
    Ok((known, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(pairs: &[(&str, &str)], body: Option<&Value>) -> Result<HeaderMap, BadHeader> {
        let given = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        headers(&given, "key-1", body)
    }

    #[test]
    fn the_key_and_the_type_are_added_unless_they_are_given() {
        let added = of(&[("X-A", " b ")], Some(&json!({}))).unwrap();
        assert_eq!(
            (&added["x-a"], &added["idempotency-key"]),
            (&"b".parse().unwrap(), &"key-1".parse().unwrap())
        );
        assert_eq!(added["content-type"], "application/json");
        assert_eq!(of(&[], Some(&json!("text"))).unwrap()["content-type"], "text/plain; charset=utf-8");
        assert!(!of(&[], None).unwrap().contains_key("content-type"));
        let own =
            of(&[("Content-Type", "text/xml"), ("Idempotency-Key", "mine")], Some(&json!("<a/>"))).unwrap();
        assert_eq!(
            (&own["content-type"], &own["idempotency-key"]),
            (&"text/xml".parse().unwrap(), &"mine".parse().unwrap())
        );
    }

    #[test]
    fn what_would_break_the_connection_is_refused_and_values_are_never_told() {
        for name in ["Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "TE"] {
            assert_eq!(of(&[(name, "secret-value")], None), Err(BadHeader::Ours(name.to_owned())));
        }
        for name in ["", "a b", "a:b", "a\r\nb", "ä"] {
            assert_eq!(of(&[(name, "secret-value")], None), Err(BadHeader::Name(name.to_owned())));
        }
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for value in ["secret\r\nX-B: c", "secret\nb", "secret\0", &long] {
            let error = of(&[("X-A", value)], None).unwrap_err();
            assert_eq!(error, BadHeader::Value("X-A".to_owned()));
            assert!(!error.to_string().contains("secret"));
        }
        let many: Vec<(String, String)> = (0..51).map(|n| (format!("x-{n}"), String::new())).collect();
        let given = many.into_iter().collect();
        assert_eq!(headers(&given, "key", None), Err(BadHeader::TooMany));
        assert!(!format!("{:?}", of(&[("X-A", "secret-value")], None).unwrap()).contains("secret"));
    }
}
