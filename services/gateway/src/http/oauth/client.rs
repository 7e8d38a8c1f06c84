//! Which client sends a request, and whether it is that one (RFC 6749 §2.3): a confidential one shows its secret in one way, by Basic or in the
//! body; a public one only says its name.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;
use crate::http::caller;
use crate::oauth::params::Params;
use crate::oauth::{CLIENT, Client, Secret};
use crate::state::State;

/// What a request says of its client.
#[derive(Debug, PartialEq, Eq)]
struct Claimed {
    id: String,
    secret: Option<String>,
}

/// The client of a request.
pub(super) async fn known(request: &HttpRequest, params: &Params, state: &State) -> Result<Client, Refusal> {
    let header = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let claimed = claimed(header, params)?;
    let client = match claimed.id.parse() {
        Ok(id) => state.oauth.client(id).await?,
        Err(_) => None,
    };
    let Some(client) = client.filter(|client| is_right(client, claimed.secret.as_deref())) else {
        caller::tried(request, state).map_err(Refusal::too_many)?;
        return Err(Refusal::invalid_client("The client is not known, or its secret is not right"));
    };
    // Anybody could use up the pace of a client without a secret.
    if client.is_confidential()
        && let Some(pace) = &state.token_pace
    {
        pace.count(client.id).map_err(Refusal::too_many)?;
    }
    Ok(client)
}

/// What is compared are hashes of secrets that nobody can guess, so how long that takes tells nothing.
fn is_right(client: &Client, secret: Option<&str>) -> bool {
    match (client.secret_sha256, secret) {
        (Some(hash), Some(secret)) => {
            Secret::parse(CLIENT, secret).is_some_and(|secret| secret.sha256() == hash)
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn claimed(header: Option<&str>, params: &Params) -> Result<Claimed, Refusal> {
    let (id, secret) = (params.one("client_id")?, params.one("client_secret")?);
    let Some(header) = header else {
        let id = id.ok_or(Refusal::invalid_client("The request does not say which client it is from"))?;
        return Ok(Claimed { id: id.to_owned(), secret: secret.map(str::to_owned) });
    };
    let basic = basic(header).ok_or(Refusal::invalid_client("The header Authorization must be Basic"))?;
    if secret.is_some() || id.is_some_and(|id| id != basic.id) {
        return Err(Refusal::invalid_request("A client shows who it is in one way only"));
    }
    Ok(basic)
}

/// Id and secret, each encoded as in a form, with a colon between.
fn basic(header: &str) -> Option<Claimed> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(&text.replace('+', " ")).collect();
        String::from_utf8(bytes).ok()
    };
    Some(Claimed { id: decoded(id)?, secret: Some(decoded(secret)?).filter(|secret| !secret.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, body: &str) -> Result<Claimed, Refusal> {
        claimed(header, &Params::parse(body.as_bytes()))
    }

    fn encoded(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_client_says_who_it_is_in_one_way() {
        let both = Claimed { id: "a".to_owned(), secret: Some("s:1".to_owned()) };
        assert_eq!(read(Some(&encoded("a:s%3A1")), "").unwrap(), both);
        assert_eq!(read(Some(&encoded("a:s:1")), "client_id=a").unwrap(), both);
        assert_eq!(read(None, "client_id=a&client_secret=s%3A1").unwrap(), both);
        let public = Claimed { id: "a".to_owned(), secret: None };
        assert_eq!(read(None, "client_id=a").unwrap(), public);
        assert_eq!(read(Some(&encoded("a:")), "").unwrap(), public);
    }

    #[test]
    fn what_says_nothing_or_too_much_is_refused() {
        let basic = encoded("a:s");
        for (header, body, status) in [
            (None, "", 401),
            (None, "client_secret=s", 401),
            (None, "client_id=a&client_id=b", 400),
            (Some(basic.as_str()), "client_secret=s", 400),
            (Some(&basic), "client_id=b", 400),
            (Some("Bearer x"), "client_id=a", 401),
            (Some("Basic"), "", 401),
            (Some("Basic !"), "", 401),
            (Some(&encoded("a")), "", 401),
            (Some(&encoded("%ff:s")), "", 401),
        ] {
            use actix_web::ResponseError;
            let refused = read(header, body).unwrap_err();
            assert_eq!(refused.status_code().as_u16(), status, "{header:?} {body}");
        }
    }
}
