//! What every answer tells browsers, whoever made it: what a handler has set stays.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::cors::Origins;

/// An answer is data: nothing of it is run, shown in a frame, guessed at, kept, or told of to other sites.
static ALWAYS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (CACHE_CONTROL, "no-store"),
];
/// For a year browsers come by TLS only (RFC 6797).
const BY_TLS_ONLY: &str = "max-age=31536000";

/// What the operator says of the world outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    /// Sites whose scripts may call.
    pub origins: Origins,
    /// Whether TLS ends before us.
    pub behind_tls: bool,
}

/// Wraps every request, outside of everything else.
pub(crate) async fn security_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let outside = request.app_data::<web::Data<Outside>>().cloned();
    let origin = outside.as_ref().and_then(|outside| outside.origins.calling_of(&request));
    let tell = |headers: &mut HeaderMap| {
        for (name, value) in &ALWAYS {
            set(headers, name, value);
        }
        let Some(outside) = &outside else { return };
        if outside.behind_tls {
            set(headers, &STRICT_TRANSPORT_SECURITY, BY_TLS_ONLY);
        }
        outside.origins.tell(headers, origin);
    };
    match next.call(request).await {
        Ok(mut answered) => {
            tell(answered.headers_mut());
            Ok(answered)
        }
        Err(error) => {
            let mut response = error.error_response();
            tell(response.headers_mut());
            Err(InternalError::from_response(error.to_string(), response).into())
        }
    }
}

fn set(headers: &mut HeaderMap, name: &HeaderName, value: &'static str) {
    if !headers.contains_key(name) {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
}
