//! What callers send, read as the gateway reads it but without one: whatever comes in, it is taken or refused, and nothing
//! panics. For whoever wants to try that (`crates/fuzz`), or to check a request before it is sent.

use serde_json::Value;

use super::body;
use super::error::ApiError;
use super::listing;
use super::operation::{Kind, OPERATIONS, Operation};
use super::query::Query;
use crate::idempotency::Seal;
use crate::tail::{self, place::Place};

/// The operations of the API, as the OpenAPI document names them.
pub fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.id)
}

/// Reads a body in JSON: no field may be given twice.
///
/// # Errors
/// Why it is refused, for people.
pub fn json(bytes: &[u8]) -> Result<Value, String> {
    body::parse(bytes).map_err(|error| error.to_string())
}

/// Reads the query of an operation, what stands behind `?`, with each of its parameters. Whether a cursor is one of its list is
/// not looked at.
///
/// # Errors
/// Why it is refused, for people; also when there is no such operation.
pub fn query(operation: &str, text: &str) -> Result<(), String> {
    let known = OPERATIONS.iter().find(|known| known.id == operation);
    let operation = known.ok_or_else(|| format!("there is no operation '{operation}'"))?;
    read_query(operation, text).map_err(|error| error.to_string())
}

fn read_query(operation: &Operation, text: &str) -> Result<(), ApiError> {
    let query = Query::read(text, operation)?;
    for parameter in operation.query {
        let name = parameter.name;
        match &parameter.kind {
            Kind::Number { min, max, .. } => query.number(name, *min, *max).map(drop)?,
            Kind::Choice(choices) | Kind::Choices(choices) => query.choices(name, choices).map(drop)?,
            Kind::Text { .. } | Kind::Zone | Kind::Id(_) => query.text(name).map(drop)?,
            Kind::Time { .. } => {
                if let Some(moment) = query.moment(name)? {
                    for zone in [chrono_tz::Tz::UTC, chrono_tz::Tz::Pacific__Apia] {
                        let _ends = [moment.first_ms(zone), moment.last_ms(zone), moment.end_ms(zone)];
                    }
                }
            }
        }
    }
    let takes = |name: &str| operation.query.iter().any(|parameter| parameter.name == name);
    if takes("customer_id") {
        query.customer()?;
    }
    if takes("search") {
        query.search()?;
    }
    if takes("page") {
        query.page()?;
    }
    Ok(())
}

/// Whether a text has the form of a cursor of the list of this name, of those that the gateway keeps itself.
#[must_use]
pub fn is_cursor(list: &str, text: &str) -> bool {
    listing::read(list, text).is_some()
}

/// Whether a text is a place that a tail of events can go on from, as in `Last-Event-ID`.
#[must_use]
pub fn is_place(text: &str) -> bool {
    text.parse::<Place>().is_ok_and(|place| place.last_told() >= place.seq)
}

/// How many events of a bus message a tail can read; none when the message has no right form.
#[must_use]
pub fn events(payload: &[u8]) -> Option<usize> {
    tail::readable(payload)
}

/// Opens an answer that was kept sealed for an API key; none when these bytes are something else.
#[must_use]
pub fn kept_answer(api_key: &str, request: &[u8; 32], sealed: &[u8]) -> Option<bytes::Bytes> {
    Seal::of(api_key).open(request, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_or_refused_as_the_gateway_does_it() {
        assert!(json(br#"{"a": 1}"#).is_ok());
        assert!(json(br#"{"a": 1, "a": 2}"#).is_err_and(|error| error.contains("twice")));
        assert_eq!(query("listWorkflows", "page=2&limit=100&status=active"), Ok(()));
        assert!(query("listWorkflows", "page=0").is_err());
        assert!(query("listWorkflows", "cursor=k-1&page=2").is_err());
        assert!(query("listNothing", "").is_err());
        assert!(operations().all(|operation| query(operation, "nobody=knows").is_err()));
    }

    #[test]
    fn places_and_events_are_read() {
        assert!(is_place("1-2-3-4") && !is_place("1-2-3"));
        assert!(is_cursor("k1", &format!("k1-{}", "0".repeat(32))) && !is_cursor("k1", "k1-0"));
        let event = br#"[{"type":"a.b","data":{"partition":1,"commit_no":1,"index":0}}]"#;
        assert_eq!(events(event), Some(1));
        assert_eq!(events(b"{}"), None);
    }
}
