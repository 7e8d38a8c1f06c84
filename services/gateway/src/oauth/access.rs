//! What an access token says (RFC 9068), and what a gateway believes of it.

use platform::clock;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use flow_model::OAuthClientId;

use super::ACCESS_SECONDS;
use crate::key::Level;

/// The type of access tokens.
pub(crate) const TYPE: &str = "at+jwt";
/// So much may a clock of another gateway be ahead, seconds.
const SKEW_SECONDS: i64 = 60;

/// The claims. Others would not be ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// The account; the client where that got in by itself.
    sub: String,
    client_id: String,
    scope: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    /// The family that it belongs to.
    grant_id: Uuid,
}

/// A token whose signature and time are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    pub grant: Uuid,
    pub client: OAuthClientId,
    pub level: Level,
    /// Unix milliseconds.
    pub ends_at_ms: i64,
}

impl Claims {
    /// Those of a token that is made now.
    pub fn new(issuer: &str, subject: String, client: OAuthClientId, level: Level, grant: Uuid) -> Self {
        let now = clock::now().timestamp();
        Self {
            iss: issuer.to_owned(),
            aud: issuer.to_owned(),
            sub: subject,
            client_id: client.to_string(),
            scope: level.as_str().to_owned(),
            iat: now,
            exp: now + ACCESS_SECONDS,
            jti: clock::new_uuid_v4(),
            grant_id: grant,
        }
    }

    /// What they give at this time, Unix seconds; nothing when they are another issuer's, or over.
    pub fn access(&self, issuer: &str, now: i64) -> Option<Access> {
        let ours = self.iss == issuer && self.aud == issuer;
        if !ours || self.exp <= now || self.iat > now + SKEW_SECONDS {
            return None;
        }
        self.named()
    }

    /// What they name, whatever the time is.
    pub fn named(&self) -> Option<Access> {
        Some(Access {
            grant: self.grant_id,
            client: self.client_id.parse().ok()?,
            level: self.scope.parse().ok()?,
            ends_at_ms: self.exp.checked_mul(1000)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://api.example";

    fn claims() -> Claims {
        let client = OAuthClientId::new(Uuid::from_u128(1));
        Claims::new(ISSUER, "account-1".to_owned(), client, Level::ReadWrite, Uuid::from_u128(2))
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_at_its_own_issuer() {
        let claims = claims();
        let now = claims.iat;
        let access = claims.access(ISSUER, now).unwrap();
        assert_eq!((access.grant, access.level), (Uuid::from_u128(2), Level::ReadWrite));
        assert_eq!(access.ends_at_ms, (now + 600) * 1000);
        assert!(claims.access(ISSUER, now + 599).is_some());
        assert_eq!(claims.access(ISSUER, now + 600), None);
        assert!(claims.access(ISSUER, now - SKEW_SECONDS).is_some());
        assert_eq!(claims.access(ISSUER, now - SKEW_SECONDS - 1), None);
        assert_eq!(claims.access("https://other.example", now), None);
    }

    #[test]
    fn what_no_token_of_ours_says_is_refused() {
        let now = claims().iat;
        for claims in [
            Claims { aud: "https://other.example".to_owned(), ..claims() },
            Claims { scope: "read_only read_write".to_owned(), ..claims() },
            Claims { scope: "admin".to_owned(), ..claims() },
            Claims { client_id: "x".to_owned(), ..claims() },
            Claims { exp: i64::MAX, ..claims() },
        ] {
            assert_eq!(claims.access(ISSUER, now), None, "{claims:?}");
        }
    }
}
