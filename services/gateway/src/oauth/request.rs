//! Authorization requests (RFC 6749 §4.1.1, RFC 7636 §4.3): what a client asks for, before anybody has consented.
//!
//! While it is not sure that the redirect URI is the client's, a bad request is told to the person on a page and nobody is sent anywhere.
//! After that the client is told, with `state` and `iss` (RFC 9207). A good one becomes a token, which the page's form carries: signed, for ten
//! minutes, of a type of its own. So what is consented to is what was shown, and the form needs no session.

use flow_model::OAuthClientId;
use platform::clock;
use serde::{Deserialize, Serialize};

use super::params::{Params, Repeated};
use super::{CONSENT_SECONDS, Client, GrantType, STATE_CHARS_MAX, pkce, redirect, scope};
use crate::key::Level;

/// The type of the tokens of forms.
pub(crate) const TYPE: &str = "oauth-request+jwt";

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub client: OAuthClientId,
    pub redirect_uri: String,
    /// Whether the client named it.
    pub redirect_uri_given: bool,
    pub state: Option<String>,
    pub level: Level,
    pub challenge: String,
}

/// Why a request is not shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// To be told to the person.
    Person(&'static str),
    /// To be told to the client.
    Client { redirect_uri: String, state: Option<String>, problem: Problem },
}

/// What is told to a client (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    pub error: &'static str,
    pub description: &'static str,
}

/// Somebody has said no.
pub(crate) const DENIED: Problem = Problem { error: "access_denied", description: "The request was denied" };

/// The client that a request names.
pub(crate) fn client_of(params: &Params) -> Result<OAuthClientId, Refused> {
    let id = params.one("client_id").map_err(|_| Refused::Person("It names several clients."))?;
    let id = id.ok_or(Refused::Person("It does not say which client it is from."))?;
    id.parse().map_err(|_| UNKNOWN)
}

/// The client of a request is not known.
pub(crate) const UNKNOWN: Refused = Refused::Person("The client is not known. It may have been removed.");

/// Reads the request of this client.
pub(crate) fn read(params: &Params, client: &Client) -> Result<Request, Refused> {
    let (redirect_uri, redirect_uri_given) = redirect_uri(params, client)?;
    let state = params.one("state");
    let told = match state {
        Ok(Some(state)) if state.chars().count() <= STATE_CHARS_MAX => Some(state.to_owned()),
        Ok(_) | Err(_) => None,
    };
    let refused = |problem: Problem| Refused::Client {
        redirect_uri: redirect_uri.clone(),
        state: told.clone(),
        problem,
    };
    if state.is_ok_and(|state| state.is_some()) && told.is_none() {
        return Err(refused(invalid("The state is too long")));
    }
    let (level, challenge) = asked(params, client).map_err(refused)?;
    Ok(Request { client: client.id, redirect_uri, redirect_uri_given, state: told, level, challenge })
}

fn redirect_uri(params: &Params, client: &Client) -> Result<(String, bool), Refused> {
    let named =
        params.one("redirect_uri").map_err(|_| Refused::Person("It names several places to go back to."))?;
    match (named, client.redirect_uris.as_slice()) {
        (Some(named), known) if known.iter().any(|known| redirect::is_same(known, named)) => {
            Ok((named.to_owned(), true))
        }
        (Some(_), _) => Err(Refused::Person(
            "It would send you back to a place that the client is not registered with, so you are not sent there.",
        )),
        (None, [only]) => Ok((only.clone(), false)),
        (None, _) => Err(Refused::Person("It does not say where to go back to.")),
    }
}

/// The rest of it.
fn asked(params: &Params, client: &Client) -> Result<(Level, String), Problem> {
    let one = |name| params.one(name).map_err(|Repeated(_)| invalid("A parameter is there more than once"));
    one("state")?;
    match one("response_type")? {
        Some("code") => {}
        None => return Err(invalid("The response_type is missing")),
        Some(_) => {
            let description = "The response_type must be code";
            return Err(Problem { error: "unsupported_response_type", description });
        }
    }
    if !matches!(one("response_mode")?, None | Some("query")) {
        return Err(invalid("The response_mode must be query"));
    }
    if !client.may(GrantType::AuthorizationCode) {
        let description = "The client is not registered for authorization_code";
        return Err(Problem { error: "unauthorized_client", description });
    }
    if one("code_challenge_method")? != Some("S256") {
        return Err(invalid("PKCE is needed, with code_challenge_method=S256"));
    }
    let challenge = one("code_challenge")?.filter(|text| pkce::is_challenge(text));
    let challenge =
        challenge.ok_or(invalid("The code_challenge must be a SHA-256 in base64url: 43 characters"))?;
    let level = scope::level(one("scope")?, client.level).ok_or(Problem {
        error: "invalid_scope",
        description: "The scope must be of read_only, read_write and full_access, at most what the client is registered with",
    })?;
    Ok((level, challenge.to_owned()))
}

fn invalid(description: &'static str) -> Problem {
    Problem { error: "invalid_request", description }
}

/// What a form carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    client_id: String,
    redirect_uri: String,
    given: bool,
    state: Option<String>,
    scope: String,
    challenge: String,
    exp: i64,
}

impl Form {
    /// Of a request that is shown now.
    pub fn new(request: &Request) -> Self {
        Self {
            client_id: request.client.to_string(),
            redirect_uri: request.redirect_uri.clone(),
            given: request.redirect_uri_given,
            state: request.state.clone(),
            scope: request.level.as_str().to_owned(),
            challenge: request.challenge.clone(),
            exp: clock::now().timestamp() + CONSENT_SECONDS,
        }
    }

    /// The request, unless its time is over at this one, Unix seconds.
    pub fn request(self, now: i64) -> Option<Request> {
        if self.exp <= now {
            return None;
        }
        Some(Request {
            client: self.client_id.parse().ok()?,
            redirect_uri: self.redirect_uri,
            redirect_uri_given: self.given,
            state: self.state,
            level: self.scope.parse().ok()?,
            challenge: self.challenge,
        })
    }
}

#[cfg(test)]
mod tests {
    use flow_model::AccountId;
    use uuid::Uuid;

    use super::*;

    const CALLBACK: &str = "https://client.example/cb";
    const GOOD: &str = "response_type=code&state=s&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client() -> Client {
        Client {
            id: OAuthClientId::new(Uuid::from_u128(1)),
            account: AccountId::named("a"),
            name: "Client".to_owned(),
            level: Level::ReadWrite,
            grant_types: vec![GrantType::AuthorizationCode],
            redirect_uris: vec![CALLBACK.to_owned()],
            secret_sha256: None,
            created_at_ms: 0,
            last_used_at_ms: None,
        }
    }

    fn read_of(query: &str, client: &Client) -> Result<Request, Refused> {
        read(&Params::parse(query.as_bytes()), client)
    }

    #[test]
    fn a_good_request_is_read_and_comes_back_from_its_form() {
        let query = format!("{GOOD}&redirect_uri={CALLBACK}&scope=read_only%20read_write&nonce=1");
        let request = read_of(&query, &client()).unwrap();
        assert_eq!((request.level, request.redirect_uri_given), (Level::ReadWrite, true));
        assert_eq!(request.state.as_deref(), Some("s"));
        let form = Form::new(&request);
        let exp = form.exp;
        assert_eq!(form.clone().request(exp - 1), Some(request));
        assert_eq!(form.request(exp), None);
        let without = read_of(GOOD, &client()).unwrap();
        assert_eq!((without.level, without.redirect_uri_given), (Level::ReadOnly, false));
        assert_eq!(without.redirect_uri, CALLBACK);
    }

    #[test]
    fn nobody_is_sent_to_a_place_that_the_client_is_not_known_by() {
        let two = Client { redirect_uris: vec![CALLBACK.to_owned(), format!("{CALLBACK}2")], ..client() };
        let none = Client { redirect_uris: Vec::new(), ..client() };
        for (query, client) in [
            ("redirect_uri=https://evil.example/cb", &client()),
            ("redirect_uri=https://client.example/cb/../x", &client()),
            ("redirect_uri=https://client.example/cb&redirect_uri=https://evil.example", &client()),
            ("", &two),
            ("", &none),
        ] {
            let refused = read_of(&format!("{GOOD}&{query}"), client);
            assert!(matches!(refused, Err(Refused::Person(_))), "{query} {refused:?}");
        }
        for query in ["", "client_id=", "client_id=x", "client_id=a&client_id=a"] {
            assert!(
                matches!(client_of(&Params::parse(query.as_bytes())), Err(Refused::Person(_))),
                "{query}"
            );
        }
    }

    #[test]
    fn the_client_is_told_of_everything_else() {
        let no_code = Client { grant_types: vec![GrantType::ClientCredentials], ..client() };
        let long = format!("state={}", "x".repeat(STATE_CHARS_MAX + 1));
        for (from, to, client, error, state) in [
            ("response_type=code", "response_type=token", &client(), "unsupported_response_type", Some("s")),
            ("response_type=code", "", &client(), "invalid_request", Some("s")),
            ("state=s", "state=s&state=s", &client(), "invalid_request", None),
            ("state=s", &long, &client(), "invalid_request", None),
            ("state=s", "state=s&scope=x&scope=y", &client(), "invalid_request", Some("s")),
            ("state=s", "state=s&response_mode=fragment", &client(), "invalid_request", Some("s")),
            ("S256", "plain", &client(), "invalid_request", Some("s")),
            ("code_challenge_method=S256&", "", &client(), "invalid_request", Some("s")),
            ("-cM", "", &client(), "invalid_request", Some("s")),
            ("state=s", "state=s&scope=full_access", &client(), "invalid_scope", Some("s")),
            ("state=s", "state=s&scope=openid", &client(), "invalid_scope", Some("s")),
            ("state=s", "state=s", &no_code, "unauthorized_client", Some("s")),
        ] {
            let query = GOOD.replace(from, to);
            match read_of(&query, client) {
                Err(Refused::Client { redirect_uri, state: told, problem }) => {
                    assert_eq!((redirect_uri.as_str(), problem.error), (CALLBACK, error), "{query}");
                    assert_eq!(told.as_deref(), state, "{query}");
                }
                other => panic!("{query}: {other:?}"),
            }
        }
    }
}
