//! What a client is given: grants, and how it comes to them.

use flow_model::{AccountId, ApiKeyId, OAuthClientId};
use uuid::Uuid;

use crate::key::Level;
use crate::limit::Quotas;

/// Somebody has consented: what the code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Consent {
    pub client: OAuthClientId,
    pub redirect_uri: String,
    /// Whether the authorization request named it.
    pub redirect_uri_given: bool,
    pub challenge: String,
    pub level: Level,
    /// With which key.
    pub by: ApiKeyId,
}

/// A code as a client brings it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub client: OAuthClientId,
    pub code_sha256: [u8; 32],
    pub redirect_uri: Option<String>,
    /// Of the verifier.
    pub challenge: String,
    /// The refresh token that comes of it.
    pub refresh_sha256: [u8; 32],
}

/// A refresh token as a client brings it.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub client: OAuthClientId,
    pub token_sha256: [u8; 32],
    /// What the access token is to allow; as much as was granted unless given.
    pub level: Option<Level>,
    /// The refresh token that takes its place.
    pub next_sha256: [u8; 32],
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// A token of this level, of this grant.
    Grant { grant: Uuid, level: Level },
    /// Nothing: there is no such code or token, it is over, or another client's, or asked for wrongly.
    Nothing,
    /// Nothing: it was used before. What it gave is revoked.
    UsedBefore,
    /// Nothing: more is asked for than was granted.
    TooMuch,
    /// Nothing yet: the grant has given [`super::REFRESHES_MAX`] refresh tokens in the last hour. The one that was shown stays good.
    TooSoon { seconds: u64 },
}

/// Whom a grant that is live stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GrantHolder {
    pub client: OAuthClientId,
    pub account: AccountId,
    /// The most that its tokens may allow.
    pub level: Level,
    pub quotas: Quotas,
}
