//! Secrets that clients hold: client secrets, codes, refresh tokens. Made like API keys, and stored as they are: as a hash.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::key;

/// How every client secret begins.
pub(crate) const CLIENT: &str = "tls_";
/// How every authorization code begins.
pub(crate) const CODE: &str = "tlc_";
/// How every refresh token begins.
pub(crate) const REFRESH: &str = "tlr_";

/// A secret's text, checked. Never shown by `Debug`.
#[derive(Debug, Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// A fresh one of this kind.
    pub fn generate(prefix: &str) -> Self {
        Self(key::mint(prefix).into())
    }

    /// Reads one of this kind; none when it is mistyped or another kind.
    pub fn parse(prefix: &str, text: &str) -> Option<Self> {
        key::is_minted(prefix, text).then(|| Self(text.to_owned().into()))
    }

    /// What the database knows it by.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret().as_bytes()).into()
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ApiKey;

    #[test]
    fn a_secret_is_read_as_its_own_kind_only() {
        let kinds = [CLIENT, CODE, REFRESH];
        for prefix in kinds {
            let secret = Secret::generate(prefix);
            for other in kinds {
                assert_eq!(Secret::parse(other, secret.expose()).is_some(), other == prefix);
            }
            assert!(ApiKey::parse(secret.expose()).is_err());
            assert!(!format!("{secret:?}").contains(secret.expose()));
            let read = Secret::parse(prefix, secret.expose()).unwrap();
            assert_eq!(read.sha256(), secret.sha256());
        }
        assert!(Secret::parse(CODE, ApiKey::generate().expose()).is_none());
    }
}
