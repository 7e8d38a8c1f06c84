//! The endpoints of OAuth 2.0: what RFC 6749, 7009, 8414 and 9207 say of HTTP. What they do is in [`crate::oauth`].

pub(super) mod authorize;
mod client;
pub(super) mod consent;
mod form;
pub(super) mod metadata;
mod page;
mod refusal;
pub(super) mod revoke;
pub(super) mod token;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};

use crate::oauth::redirect;

/// Nobody on the way may keep it.
const NO_STORE: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// Sends the browser back to the client, by GET whatever it came with (RFC 9700 §4.12), with the issuer (RFC 9207).
fn back<'a>(
    redirect_uri: &str,
    mut answer: Vec<(&'a str, &'a str)>,
    state: Option<&'a str>,
    issuer: &'a str,
) -> HttpResponse {
    answer.extend(state.map(|state| ("state", state)));
    answer.push(("iss", issuer));
    HttpResponse::SeeOther()
        .insert_header((LOCATION, redirect::with(redirect_uri, &answer)))
        .insert_header(NO_STORE)
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}
