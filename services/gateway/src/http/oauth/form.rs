//! Reading a form, bounded.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;
use contracts::ErrorCode;

use crate::http::body;
use crate::http::error::ApiError;
use crate::oauth::params::Params;

/// Bytes of a form at most.
const BYTES_MAX: usize = 32 * 1024;

/// The body's parameters.
pub(super) async fn read(request: &HttpRequest, payload: Payload) -> Result<Params, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let details = "Send the body as application/x-www-form-urlencoded";
        return Err(ApiError::because(ErrorCode::UnsupportedMediaType, details));
    }
    Ok(Params::parse(&body::read(request, payload, BYTES_MAX).await?))
}
