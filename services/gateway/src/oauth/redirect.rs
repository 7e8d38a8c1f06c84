//! Where a client is sent back to: known before, compared letter by letter (RFC 9700 §2.1).
//!
//! Only `https`, or `http` on this machine for programs of users' own (RFC 8252 §7.3); of the latter the port may be another one at each time,
//! since such a program takes what is free.

use url::{Host, Url};

use super::REDIRECT_URI_CHARS_MAX;

/// Why a text is no redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an absolute https URL, or an http URL of this machine (127.0.0.1, [::1], localhost), without user, fragment and odd characters, 1000 characters at most"
)]
pub(crate) struct NotARedirectUri;

/// Checks one that a client is registered with.
pub(crate) fn check(text: &str) -> Result<(), NotARedirectUri> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    if !visible || text.len() > REDIRECT_URI_CHARS_MAX || text.contains(['#', '@']) {
        return Err(NotARedirectUri);
    }
    let url = Url::parse(text).map_err(|_| NotARedirectUri)?;
    // As it is written, so that comparing letters compares URLs. A path that is not there may be left out.
    let same = url.as_str() == text || url.as_str() == format!("{text}/");
    let known_host = match url.host() {
        // It becomes a part of the consent page's policy.
        Some(Host::Domain(name)) => {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if same && known_host && allowed { Ok(()) } else { Err(NotARedirectUri) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Whether what a request names is what is registered.
pub(crate) fn is_same(registered: &str, named: &str) -> bool {
    registered == named
        || (check(named).is_ok()
            && without_port(registered).is_some_and(|known| without_port(named) == Some(known)))
}

/// An `http` URL of this machine without its port.
fn without_port(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok().filter(|url| url.scheme() == "http" && is_loopback(url))?;
    url.set_port(None).ok()?;
    Some(url.into())
}

/// What a page may send its form to, so that the answer may lead there: a source of its policy (CSP 3 §2.3.1).
pub(crate) fn source(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else { return String::new() };
    match url.host() {
        // A policy cannot name an IPv6 address.
        Some(Host::Ipv6(_)) => format!("{}:", url.scheme()),
        _ => url.origin().ascii_serialization(),
    }
}

/// Where the browser goes with an answer.
pub(crate) fn with(redirect_uri: &str, answer: &[(&str, &str)]) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    let joined = match redirect_uri.split_once('?') {
        None => '?',
        Some((_, "")) => return format!("{redirect_uri}{query}"),
        Some(_) => '&',
    };
    format!("{redirect_uri}{joined}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_can_be_registered() {
        for good in [
            "https://client.example/cb",
            "https://client.example",
            "https://client.example:8443/cb?tenant=7",
            "https://xn--bcher-kva.example/",
            "https://192.0.2.1/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:8765/cb",
            "http://[::1]:8765/cb",
            "http://localhost/cb",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = format!("https://client.example/{}", "x".repeat(1000));
        for bad in [
            "",
            "/cb",
            "client.example/cb",
            "http://client.example/cb",
            "http://127.0.0.2/cb",
            "http://localhost.example/cb",
            "https://client.example/cb#top",
            "https://user@client.example/cb",
            "https://client.example/../cb",
            "https://CLIENT.example/cb",
            "https://client.example:443/cb",
            "https://a;b.example/cb",
            "https://a'b.example/cb",
            "https://client.example/c b",
            "https://client.example/\"",
            "https://bücher.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example.app:/cb",
            &long,
        ] {
            assert_eq!(check(bad), Err(NotARedirectUri), "{bad}");
        }
    }

    #[test]
    fn it_is_compared_letter_by_letter_but_for_the_port_on_this_machine() {
        let registered = "https://client.example/cb";
        assert!(is_same(registered, registered));
        for other in [
            "https://client.example/cb/",
            "https://client.example/CB",
            "https://client.example/cb?x=1",
            "https://client.example:8443/cb",
            "https://client.example.evil.example/cb",
            "http://client.example/cb",
            "",
        ] {
            assert!(!is_same(registered, other), "{other}");
        }
        let native = "http://127.0.0.1/cb";
        assert!(is_same(native, "http://127.0.0.1:50123/cb"));
        assert!(is_same("http://[::1]:1/cb", "http://[::1]:2/cb"));
        for other in [
            "http://127.0.0.1:50123/cb2",
            "http://localhost:50123/cb",
            "http://[::1]:50123/cb",
            "https://127.0.0.1:50123/cb",
            "http://x@127.0.0.1:50123/cb",
            "http://127.1:50123/cb",
            "http://127.0.0.1:50123/cb#f",
        ] {
            assert!(!is_same(native, other), "{other}");
        }
    }

    #[test]
    fn an_answer_is_added_to_what_is_there() {
        let answer = [("code", "a b"), ("state", "x&y=\"é")];
        let query = "code=a+b&state=x%26y%3D%22%C3%A9";
        for (uri, expected) in [
            ("https://a.example/cb", format!("https://a.example/cb?{query}")),
            ("https://a.example/cb?t=1", format!("https://a.example/cb?t=1&{query}")),
            ("https://a.example/cb?", format!("https://a.example/cb?{query}")),
        ] {
            assert_eq!(with(uri, &answer), expected);
        }
    }

    #[test]
    fn a_policy_names_where_the_form_may_lead() {
        assert_eq!(source("https://a.example/cb?x;y"), "https://a.example");
        assert_eq!(source("http://127.0.0.1:8765/cb"), "http://127.0.0.1:8765");
        assert_eq!(source("http://[::1]:8765/cb"), "http:");
    }
}
