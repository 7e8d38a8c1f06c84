//! The OpenAPI 3.1 document, made from the operations and from the types that are served.

mod document;
mod oauth;
mod optional;
mod parameters;
mod responses;
pub(in crate::http) mod schemas;
pub(in crate::http) mod texts;

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use super::error::ApiError;

/// The page loads nothing from elsewhere, and its own script only, and is shown in no frame. The page's library writes styles into
/// elements.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static DOCUMENT: LazyLock<String> = LazyLock::new(text);

/// The document, as it is served and kept in `proto-schemas/openapi.json`.
#[must_use]
pub fn text() -> String {
    // A tree of maps, lists and texts: writing it as JSON cannot fail.
    let mut text = serde_json::to_string_pretty(&document::document()).unwrap_or_default();
    text.push('\n');
    text
}

/// `GET /v1/openapi.json`: for everyone, it says nothing of any account.
pub(super) fn serve() -> std::future::Ready<HttpResponse> {
    let response = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "max-age=300"))
        .body(DOCUMENT.as_str());
    std::future::ready(response)
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Turnloom API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
"#;

const START: &str = r##"SwaggerUIBundle({ url: "/v1/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
"##;

/// `GET /docs` and what the page loads.
#[expect(clippy::needless_pass_by_value, reason = "the framework hands its extractors over")]
pub(super) fn page(path: web::Path<String>) -> std::future::Ready<Result<HttpResponse, ApiError>> {
    let found = match path.as_str() {
        "" => Some(file("text/html; charset=utf-8", PAGE.as_bytes().to_vec())),
        "start.js" => Some(file("text/javascript; charset=utf-8", START.as_bytes().to_vec())),
        name @ ("swagger-ui.css" | "swagger-ui-bundle.js") => vendored(name),
        _ => None,
    };
    std::future::ready(found.ok_or_else(super::no_such_route))
}

fn vendored(name: &str) -> Option<HttpResponse> {
    let config = std::sync::Arc::new(utoipa_swagger_ui::Config::from("/v1/openapi.json"));
    let found = utoipa_swagger_ui::serve(name, config).ok()??;
    Some(file(&found.content_type, found.bytes.into_owned()))
}

fn file(content_type: &str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .insert_header((CACHE_CONTROL, "max-age=300"))
        .body(bytes)
}
