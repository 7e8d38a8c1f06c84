//! Scripts of other sites (CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>): none may call unless the operator names their site.
//!
//! Nothing that a browser adds by itself lets anybody in here, so credentials are never allowed: a script has to bring its key. That holds of
//! the whole API, tokens of OAuth 2.0 included; but on the page where a person decides no script of another site has anything to do.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use percent_encoding::percent_decode_str;
use url::Url;

use super::security_headers::Outside;

/// The methods of the API.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE";
/// The headers that its operations understand.
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, \
     Prefer, Traceparent, X-Request-Id";
/// The headers of its answers that a script may read.
const EXPOSED: &str = "ETag, Idempotency-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, \
     Retry-After, WWW-Authenticate, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";
/// Seconds for which a browser need not ask again.
const ASKED_AGAIN_SECONDS: &str = "600";
/// What an answer depends on beside the request's own.
const DEPENDS_ON: &str = "Origin";
/// The same of an answer to a browser that asks beforehand.
const ASKING_DEPENDS_ON: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// Where a person decides. Its answers are for browsers that are led there, and hold a form that is to be sent from there only.
const FOR_PEOPLE: &str = "/oauth/authorize";

/// The sites whose scripts may call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Vec<HeaderValue>);

impl Origins {
    /// These, each as [`origin`] writes it.
    pub fn new(origins: &[String]) -> Self {
        Self(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    /// The site that calls, when its scripts may, there.
    pub fn calling_of(&self, request: &ServiceRequest) -> Option<HeaderValue> {
        if is_for_people(request.path()) { None } else { self.calling(request.headers()) }
    }

    fn calling(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut given = headers.get_all(ORIGIN);
        let (Some(origin), None) = (given.next(), given.next()) else { return None };
        self.0.iter().find(|known| *known == origin).cloned()
    }

    /// Tells the browser that the script may have the answer, and caches that it is not for every site.
    pub fn tell(&self, headers: &mut HeaderMap, calling: Option<HeaderValue>) {
        if self.0.is_empty() {
            return;
        }
        if !headers.contains_key(VARY) {
            headers.insert(VARY, HeaderValue::from_static(DEPENDS_ON));
        }
        if let Some(origin) = calling {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// Answers browsers that ask whether a script may call. A site that is not known meets what it would meet without: its
/// browser finds nothing in the answer that allows it.
pub(crate) async fn preflight<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && request
            .app_data::<web::Data<Outside>>()
            .is_some_and(|outside| outside.origins.calling_of(&request).is_some());
    if !asks {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let allowed = HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
        .insert_header((ACCESS_CONTROL_MAX_AGE, ASKED_AGAIN_SECONDS))
        .insert_header((VARY, ASKING_DEPENDS_ON))
        .finish();
    Ok(request.into_response(allowed).map_into_right_body())
}

/// The router finds a path in any spelling.
fn is_for_people(path: &str) -> bool {
    percent_decode_str(path).decode_utf8_lossy() == FOR_PEOPLE
}

/// An origin as browsers write it: scheme, host, and the port unless it is the scheme's own.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim();
    let refused =
        || format!("'{text}' is no origin such as https://app.example.com; each must be named in full");
    let url = Url::parse(text).map_err(|_| refused())?;
    let web =
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains('*'));
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    if web && bare && nobody { Ok(url.origin().ascii_serialization()) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (text, expected) in [
            ("https://app.example.com", "https://app.example.com"),
            (" HTTPS://App.Example.com:443/ ", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(origin(text), Ok(expected.to_owned()), "{text}");
        }
        for text in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://*.example.com",
            "https://app.example.com/path",
            "https://app.example.com/?x",
            "https://me@app.example.com",
            "file:///x",
            "chrome-extension://abc",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_page_for_people_is_known_in_any_spelling() {
        for path in ["/oauth/authorize", "/oauth/%61uthorize", "/%6Fauth/authoriz%65", "/oauth%2Fauthorize"] {
            assert!(is_for_people(path), "{path}");
        }
        for path in ["/oauth/token", "/oauth/authorize/x", "/", "/v1/workflows", "/%ff"] {
            assert!(!is_for_people(path), "{path}");
        }
    }

    #[test]
    fn only_the_very_origin_is_known() {
        let origins = Origins::new(&["https://app.example.com".to_owned()]);
        let calling = |origins: &Origins, given: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in given {
                headers.append(ORIGIN, HeaderValue::from_static(origin));
            }
            origins.calling(&headers).is_some()
        };
        assert!(calling(&origins, &["https://app.example.com"]));
        for given in [
            &["http://app.example.com"][..],
            &["https://app.example.com:8443"],
            &["https://app.example.com.evil.example"],
            &["https://evil.example/https://app.example.com"],
            &["https://APP.example.com"],
            &["null"],
            &["https://app.example.com", "https://app.example.com"],
            &[],
        ] {
            assert!(!calling(&origins, given), "{given:?}");
        }
        assert!(!calling(&Origins::default(), &["https://app.example.com"]));
    }
}
