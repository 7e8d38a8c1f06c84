//! The fields of the bodies.

use chrono::DateTime;
use flow_model::document::{At, Object, Report, whole_number};
use flow_model::duration;
use flow_model::problem::ProblemCode::{InvalidRequest, MissingRequiredField};
use serde_json::Value;

use crate::http::messages::fields;
use crate::key::Level;
use crate::keys::{
    EXPIRY_MS_MAX, LIMIT_MAX, Limits, NAME_CHARS_MAX, NewKey, OVERLAP_DEFAULT_MS, OVERLAP_MAX_MS,
};
use crate::limit::{Class, Quotas};

/// A key to be made, for an account with these limits, at this time in Unix milliseconds.
pub(super) fn new_key(document: &Value, account: Quotas, now_ms: i64, report: &mut Report) -> Option<NewKey> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let (name, at) = fields::required(&mut object, "name", report);
    let name = name.and_then(|name| fields::identifier(name, &at, NAME_CHARS_MAX, report));
    let level = level(&mut object, report);
    let limits = limits(&mut object, account, report);
    let expires_at_ms = expiry(&mut object, now_ms, report);
    object.finish(report);
    Some(NewKey { name: name?, level: level?, limits, expires_at_ms })
}

fn level(object: &mut Object<'_>, report: &mut Report) -> Option<Level> {
    let given = object.has("level");
    let (text, at) = object.text("level", InvalidRequest, report);
    if !given {
        report.problem(&at, MissingRequiredField, "Field 'level' is missing");
    }
    match text?.parse() {
        Ok(level) => Some(level),
        Err(error) => {
            report.problem(&at, InvalidRequest, format!("{error}"));
            None
        }
    }
}

fn limits(object: &mut Object<'_>, account: Quotas, report: &mut Report) -> Limits {
    let mut limits = Limits::default();
    let (value, at) = object.get("limits");
    let Some(mut set) = value.and_then(|value| Object::read(value, &at, InvalidRequest, report)) else {
        return limits;
    };
    for class in Class::ALL {
        let (value, at) = set.get(class.as_str());
        let Some(value) = value else { continue };
        let number = whole_number(value).and_then(|number| u32::try_from(number).ok());
        let own = account.of(class);
        match number.filter(|number| *number <= LIMIT_MAX) {
            None => {
                report.problem(&at, InvalidRequest, format!("must be a whole number from 0 to {LIMIT_MAX}"));
            }
            Some(number) if number > own => {
                report.problem(&at, InvalidRequest, format!("is more than the account's own limit of {own}"));
            }
            Some(number) => limits.set(class, number),
        }
    }
    set.finish(report);
    limits
}

fn expiry(object: &mut Object<'_>, now_ms: i64, report: &mut Report) -> Option<i64> {
    let (text, at) = object.text("expires_at", InvalidRequest, report);
    let Ok(time) = DateTime::parse_from_rfc3339(text?) else {
        report.problem(&at, InvalidRequest, "must be a time such as 2027-01-31T10:30:00Z");
        return None;
    };
    let ms = time.timestamp_millis();
    if ms > EXPIRY_MS_MAX {
        report.problem(&at, InvalidRequest, "must be a time before the year 10000");
    }
    if ms <= now_ms {
        report.problem(&at, InvalidRequest, "must be a time that is still to come");
    }
    Some(ms)
}

/// How long the secret before a rotation stays valid, milliseconds.
pub(super) fn overlap(document: Option<&Value>, report: &mut Report) -> Option<i64> {
    let Some(document) = document else { return Some(OVERLAP_DEFAULT_MS) };
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let (text, at) = object.text("overlap", InvalidRequest, report);
    let overlap = text.map(|text| {
        let known = duration::parse_ms(text).filter(|ms| (0..=OVERLAP_MAX_MS).contains(ms));
        known.unwrap_or_else(|| {
            report.problem(&at, InvalidRequest, "must be a duration such as 24h or PT30M, at most 30 days");
            0
        })
    });
    object.finish(report);
    Some(overlap.unwrap_or(OVERLAP_DEFAULT_MS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_read_with_all_that_is_said_of_it() {
        let mut report = Report::default();
        let document = json!({"name": "CI", "level": "read_write", "limits": {"read": 7, "delete": null}, "expires_at": "2027-01-31T10:30:00+01:00"});
        let key = new_key(&document, Quotas::USUAL, 0, &mut report);
        let (key, _) = report.into_result(key).unwrap();
        assert_eq!((key.name.as_str(), key.level), ("CI", Level::ReadWrite));
        assert_eq!(key.limits, Limits::parse(["read=7"]).unwrap());
        assert_eq!(key.expires_at_ms, Some(1_801_387_800_000));
    }

    #[test]
    fn a_key_does_not_get_more_than_its_account_has() {
        let account = Quotas::USUAL.with(Limits::parse(["read=5", "write=5000"]).unwrap());
        let good = json!({"read": 5, "write": 5000, "delete": 50, "execution": 0});
        for (limits, blamed) in [
            (good, None),
            (json!({"read": 6}), Some("limits.read")),
            (json!({"delete": 51}), Some("limits.delete")),
            (json!({"write": 1_000_001}), Some("limits.write")),
            (json!({"write": -1}), Some("limits.write")),
            (json!({"write": 1.5}), Some("limits.write")),
            (json!({"writes": 1}), Some("limits.writes")),
            (json!([]), Some("limits")),
        ] {
            let mut report = Report::default();
            let document = json!({"name": "CI", "level": "read_only", "limits": limits});
            let key = new_key(&document, account, 0, &mut report);
            let problems = report.into_result(key).err().unwrap_or_default();
            assert_eq!(problems.first().map(|problem| problem.field.as_str()), blamed, "{document}");
        }
    }

    #[test]
    fn an_overlap_has_a_usual_length_and_a_longest_one() {
        for (document, expected) in [
            (None, Some(OVERLAP_DEFAULT_MS)),
            (Some(json!({})), Some(OVERLAP_DEFAULT_MS)),
            (Some(json!({"overlap": "0s"})), Some(0)),
            (Some(json!({"overlap": "P30D"})), Some(OVERLAP_MAX_MS)),
            (Some(json!({"overlap": "31d"})), None),
            (Some(json!({"overlap": "soon"})), None),
            (Some(json!({"overlap": 7})), None),
            (Some(json!({"overlaps": "1h"})), None),
        ] {
            let mut report = Report::default();
            let read = overlap(document.as_ref(), &mut report);
            let read = report.into_result(read).ok().map(|(ms, _)| ms);
            assert_eq!(read, expected, "{document:?}");
        }
    }
}
