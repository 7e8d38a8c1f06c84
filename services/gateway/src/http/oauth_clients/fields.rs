//! The fields of the body.

use flow_model::document::{At, Object, Report};
use flow_model::problem::ProblemCode::{InvalidRequest, MissingRequiredField};
use serde_json::Value;

use crate::http::messages::fields;
use crate::key::Level;
use crate::keys::NAME_CHARS_MAX;
use crate::oauth::{GrantType, NewClient, REDIRECT_URIS_MAX, redirect};

/// A client to be registered.
pub(super) fn new_client(document: &Value, report: &mut Report) -> Option<NewClient> {
    let mut object = Object::read(document, &At::root(), InvalidRequest, report)?;
    let (name, at) = fields::required(&mut object, "name", report);
    let name = name.and_then(|name| fields::identifier(name, &at, NAME_CHARS_MAX, report));
    let confidential = choice(&mut object, "type", report, |text| match text {
        "confidential" => Ok(true),
        "public" => Ok(false),
        _ => Err("must be one of confidential, public".to_owned()),
    });
    let level =
        choice(&mut object, "level", report, |text| text.parse::<Level>().map_err(|error| error.to_string()));
    let grant_types = grant_types(&mut object, confidential, report);
    let redirect_uris = redirect_uris(&mut object, grant_types.as_deref(), report);
    object.finish(report);
    Some(NewClient {
        name: name?,
        level: level?,
        confidential: confidential?,
        grant_types: grant_types?,
        redirect_uris,
    })
}

/// A word that must be there, and be one of those that are known.
fn choice<T>(
    object: &mut Object<'_>,
    name: &'static str,
    report: &mut Report,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let given = object.has(name);
    let (text, at) = object.text(name, InvalidRequest, report);
    if !given {
        report.problem(&at, MissingRequiredField, format!("Field '{name}' is missing"));
    }
    match read(text?) {
        Ok(value) => Some(value),
        Err(message) => {
            report.problem(&at, InvalidRequest, message);
            None
        }
    }
}

/// None when something is wrong with them: then nothing can be said of what they need.
fn grant_types(
    object: &mut Object<'_>,
    confidential: Option<bool>,
    report: &mut Report,
) -> Option<Vec<GrantType>> {
    let (value, at) = object.get("grant_types");
    let Some(value) = value else { return Some(vec![GrantType::AuthorizationCode]) };
    let mut found = Vec::new();
    let mut all = 0;
    for (index, item) in list(value, &at, GrantType::ALL.len(), report).iter().enumerate() {
        let at = at.item(index);
        all = index + 1;
        match item.as_str().and_then(GrantType::parse) {
            None => {
                report.problem(&at, InvalidRequest, "must be one of authorization_code, client_credentials");
            }
            Some(kind) if found.contains(&kind) => report.problem(&at, InvalidRequest, "is there twice"),
            Some(GrantType::ClientCredentials) if confidential == Some(false) => {
                report.problem(&at, InvalidRequest, "a public client has no credentials");
            }
            Some(kind) => found.push(kind),
        }
    }
    (!found.is_empty() && found.len() == all).then_some(found)
}

fn redirect_uris(
    object: &mut Object<'_>,
    grant_types: Option<&[GrantType]>,
    report: &mut Report,
) -> Vec<String> {
    let (value, at) = object.get("redirect_uris");
    let wanted = grant_types.map(|kinds| kinds.contains(&GrantType::AuthorizationCode));
    let Some(value) = value else {
        if wanted == Some(true) {
            report.problem(&at, MissingRequiredField, "Field 'redirect_uris' is missing");
        }
        return Vec::new();
    };
    if wanted == Some(false) {
        report.problem(&at, InvalidRequest, "only authorization_code takes redirect URIs");
    }
    let mut found: Vec<String> = Vec::new();
    for (index, item) in list(value, &at, REDIRECT_URIS_MAX, report).iter().enumerate() {
        let at = at.item(index);
        match item.as_str() {
            None => report.problem(&at, InvalidRequest, "must be a string"),
            Some(uri) => match redirect::check(uri) {
                Err(error) => report.problem(&at, InvalidRequest, error.to_string()),
                Ok(()) if found.iter().any(|known| known == uri) => {
                    report.problem(&at, InvalidRequest, "is there twice");
                }
                Ok(()) => found.push(uri.to_owned()),
            },
        }
    }
    found
}

/// A list that is not empty.
fn list<'a>(value: &'a Value, at: &At, most: usize, report: &mut Report) -> &'a [Value] {
    match value.as_array() {
        Some(items) if (1..=most).contains(&items.len()) => items,
        Some(_) | None => {
            report.problem(at, InvalidRequest, format!("must be a list of 1 to {most}"));
            &[]
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: &Value) -> Result<NewClient, Vec<String>> {
        let mut report = Report::default();
        let client = new_client(document, &mut report);
        let read = report.into_result(client).map(|(client, _)| client);
        read.map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
    }

    #[test]
    fn a_client_is_read_with_what_is_usual() {
        let client = read(
            &json!({"name": "CRM", "type": "public", "level": "read_only", "redirect_uris": ["https://crm.example/cb"], "grant_types": null}),
        );
        let client = client.unwrap();
        assert_eq!((client.confidential, client.level), (false, Level::ReadOnly));
        assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
        let robot = json!({"name": "Robot", "type": "confidential", "level": "full_access", "grant_types": ["client_credentials"]});
        let robot = read(&robot).unwrap();
        assert_eq!(
            (robot.grant_types, robot.redirect_uris),
            (vec![GrantType::ClientCredentials], Vec::new())
        );
    }

    #[test]
    fn what_makes_no_sense_is_blamed() {
        let good = json!({"name": "CRM", "type": "public", "level": "read_only", "redirect_uris": ["https://crm.example/cb"]});
        let uri = "https://crm.example/cb";
        for (field, value, blamed) in [
            ("name", json!(null), "name"),
            ("type", json!(null), "type"),
            ("type", json!("secret"), "type"),
            ("level", json!("admin"), "level"),
            ("level", json!(null), "level"),
            ("redirect_uris", json!(null), "redirect_uris"),
            ("redirect_uris", json!([]), "redirect_uris"),
            ("redirect_uris", json!(uri), "redirect_uris"),
            ("redirect_uris", json!([7]), "redirect_uris[0]"),
            ("redirect_uris", json!([uri, "http://crm.example/cb"]), "redirect_uris[1]"),
            ("redirect_uris", json!([uri, uri]), "redirect_uris[1]"),
            ("redirect_uris", json!(vec![uri; 11]), "redirect_uris"),
            ("grant_types", json!(["password"]), "grant_types[0]"),
            ("grant_types", json!(["authorization_code", "client_credentials"]), "grant_types[1]"),
            ("grant_types", json!(["authorization_code", "authorization_code"]), "grant_types[1]"),
            ("secret", json!("mine"), "secret"),
        ] {
            let mut document = good.clone();
            document[field] = value;
            let problems = read(&document).unwrap_err();
            assert_eq!(problems.first().map(String::as_str), Some(blamed), "{document}");
        }
        let mut robot =
            json!({"name": "R", "type": "confidential", "level": "read_only", "redirect_uris": [uri]});
        robot["grant_types"] = json!(["client_credentials"]);
        assert_eq!(read(&robot), Err(vec!["redirect_uris".to_owned()]));
    }
}
