//! OAuth 2.0 (RFC 6749, with what RFC 9700 makes of it): programs that act for an account without one of its keys.
//!
//! A **client** is registered by a full-access key of an account and acts for that account only. It gets in by a code that a person
//! who holds a full-access key consents to ([`request`], PKCE by S256 always), or by its own secret. Either makes a **grant**: a level,
//! and a family of tokens that ends as a whole. A client has access tokens, which are signed, last [`ACCESS_SECONDS`] and name
//! their grant ([`access`]), and for a grant by code one refresh token at a time.
//!
//! ```text
//! code     none –consent→ open –exchange→ used (names its grant) ;  open –60 s→ over
//! refresh  none –exchange or refresh→ current –refresh→ used ;      current –30 d→ over
//! grant    none –exchange or client credentials→ live –revoked, its client removed, the key that consented revoked or over, its time over→ ended
//! ```
//! - Using a code or a refresh token, and what comes of it, is one transaction that holds its row. Of two at once the second finds it used.
//! - A code or refresh token that is used again has been in two hands: its grant is revoked, in that same transaction, and nobody is told
//!   which of the two was first.
//! - What dies after that commit and before the answer leaves a client without tokens, which begins again: what it sends again is a second use.
//! - An access token is good while its signature and time are, and its grant is live: a gateway asks the database as it does about keys,
//!   at most 0.9 s ago ([`crate::auth`]).
//! - What somebody consented to lasts no longer than the key that was shown for it: who revokes a key that was stolen has also ended what the
//!   thief let in with it. A rotation changes the key's secret and not the key.
//! - A grant gives [`REFRESHES_MAX`] refresh tokens in an hour at most: those that were used are kept, so that a second use is noticed.
//!
//! Deliberately absent: sessions and cookies (who consents shows a key, each time), clients of other accounts, an implicit grant, passwords,
//! registration by anybody.

pub(crate) mod access;
mod client;
mod desk;
mod grant;
mod jws;
pub(crate) mod pace;
pub(crate) mod params;
pub(crate) mod pkce;
pub(crate) mod redirect;
pub(crate) mod request;
pub(crate) mod scope;
mod secret;
pub(crate) mod signing;

pub(crate) use crate::store::StoreError;
pub(crate) use client::{Client, ClientError, GrantType, NewClient};
pub(crate) use desk::OAuth;
pub(crate) use grant::{Consent, Exchange, Given, GrantHolder, Refresh};
pub(crate) use secret::{CLIENT, CODE, Secret};

/// Clients of an account at most.
pub(crate) const CLIENTS_MAX: i64 = 100;
/// Redirect URIs of a client at most.
pub(crate) const REDIRECT_URIS_MAX: usize = 10;
/// Characters of a redirect URI at most.
pub(crate) const REDIRECT_URI_CHARS_MAX: usize = 1000;
/// Characters of a client's `state` at most.
pub(crate) const STATE_CHARS_MAX: usize = 2000;
/// How long an access token is good, seconds.
pub(crate) const ACCESS_SECONDS: i64 = 600;
/// How long a code is, seconds.
pub(crate) const CODE_SECONDS: i64 = 60;
/// How long whoever consents may take, seconds.
pub(crate) const CONSENT_SECONDS: i64 = 600;
/// How long a refresh token that nobody uses is good, days.
pub(crate) const REFRESH_DAYS: i64 = 30;
/// Refresh tokens of a grant in an hour at most: one in fifteen seconds, for access tokens that last ten minutes.
pub(crate) const REFRESHES_MAX: i64 = 240;
/// How long a grant by code lasts at most, however often it is refreshed, days.
pub(crate) const GRANT_DAYS: i64 = 365;
/// How long a key signs, days.
pub(crate) const SIGNING_DAYS: i64 = 90;
