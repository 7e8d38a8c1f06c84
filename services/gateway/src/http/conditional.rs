//! Every read carries an `ETag`, and one that the caller has already is answered with 304 and no body.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use xxhash_rust::xxh3::xxh3_128;

/// Wraps every request. A handler that knows the version of what it shows sets a strong `ETag`; what others show is
/// told apart by its bytes, weakly: another writing of the same is another `ETag`.
pub(crate) async fn conditional(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let answered = next.call(request).await?.map_into_boxed_body();
    if !reads || answered.status() != StatusCode::OK {
        return Ok(answered);
    }
    let (request, response) = answered.into_parts();
    let (mut response, body) = response.into_parts();
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(body) => return Ok(ServiceResponse::new(request, response.set_body(body))),
    };
    let own = response.headers().get(ETAG).cloned();
    let Some(etag) = own.or_else(|| weak(&bytes)) else {
        return Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(bytes))));
    };
    let known = is_known(request.headers(), &etag);
    response.headers_mut().insert(ETAG, etag);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(CONTENT_TYPE);
        return Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(()))));
    }
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(bytes))))
}

fn weak(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("W/\"{:032x}\"", xxh3_128(bytes))).ok()
}

/// Whether `If-None-Match` names it (RFC 9110 §13.1.2): `*` is any, and weak ones are as good as strong ones.
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let Ok(etag) = etag.to_str().map(opaque) else { return false };
    let lines = headers.get_all(IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| tag == "*" || opaque(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_found_among_those_that_the_caller_names() {
        for (lines, known) in [
            (&["W/\"a\""][..], true),
            (&["\"a\""], true),
            (&["\"b\", W/\"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["*"], true),
            (&["\"b\""], false),
            (&["a"], false),
            (&[""], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_NONE_MATCH, HeaderValue::from_static(line));
            }
            assert_eq!(is_known(&headers, &HeaderValue::from_static("W/\"a\"")), known, "{lines:?}");
        }
    }

    #[test]
    fn what_differs_has_another_etag() {
        assert_eq!(weak(b"one"), weak(b"one"));
        assert_ne!(weak(b"one"), weak(b"two"));
    }
}
