//! Sealing and opening.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flow_model::{AccountId, SecretName};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::SecretsConfig;

/// Bytes of a secret at most.
pub const VALUE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// The form that is written.
const FORM: u8 = 1;
/// What the sealed bytes are for, so that they cannot serve anything else.
const PURPOSE: &[u8] = b"turnloom.secret.v1";
/// The same of what is no account's secret but the product's own.
const OWN_PURPOSE: &[u8] = b"turnloom.own.v1\n";

/// The key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("--secrets-key is not 32 bytes in base64: `openssl rand -base64 32` makes a key")]
pub struct KeyError;

/// Nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The value is longer than [`VALUE_BYTES_MAX`].
    #[error("a secret has {VALUE_BYTES_MAX} bytes at most")]
    TooLong,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// The bytes cannot be opened: they were sealed with another key, for another account or name, or are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret cannot be opened with the key of this installation")]
pub struct OpenError;

/// Seals and opens with one key, which it does not show. Clones are cheap.
#[derive(Clone)]
pub struct Sealer {
    key: Arc<LessSafeKey>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Sealer {
    /// With the key of the settings; none when there is none, or an empty one.
    ///
    /// # Errors
    /// When what is there is no key.
    pub fn new(config: &SecretsConfig) -> Result<Option<Self>, KeyError> {
        let text = config.secrets_key.as_ref().map(|key| key.expose_secret().trim()).unwrap_or_default();
        if text.is_empty() {
            return Ok(None);
        }
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyError)?);
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| KeyError)?;
        Ok(Some(Self { key: Arc::new(LessSafeKey::new(key)) }))
    }

    /// Seals a secret for this account and name. The same one sealed twice looks different.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn seal(
        &self,
        account: AccountId,
        name: &SecretName,
        value: &SecretString,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_about(about(account, name), value.expose_secret().as_bytes())
    }

    /// Seals something of the product itself, such as a key that it signs with, for its name.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn seal_own(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        self.seal_about([OWN_PURPOSE, name.as_bytes()].concat(), value)
    }

    fn seal_about(&self, about: Vec<u8>, value: &[u8]) -> Result<Vec<u8>, SealError> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(SealError::TooLong);
        }
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        // Sealed in place, so no copy of the value is left behind; its tag needs 16 bytes more.
        let mut body = Vec::with_capacity(value.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(value);
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut body)
            .map_err(|_| SealError::TooLong)?;
        Ok([&[FORM], nonce.as_slice(), &body].concat())
    }

    /// Opens what was sealed for this account and name.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        &self,
        account: AccountId,
        name: &SecretName,
        sealed: &[u8],
    ) -> Result<SecretString, OpenError> {
        let value = self.open_about(about(account, name), sealed)?;
        str::from_utf8(&value).map(SecretString::from).map_err(|_| OpenError)
    }

    /// Opens what was sealed for this name by [`Sealer::seal_own`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_own(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.open_about([OWN_PURPOSE, name.as_bytes()].concat(), sealed)
    }

    fn open_about(&self, about: Vec<u8>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (form, rest) = sealed.split_first().ok_or(OpenError)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        if *form != FORM {
            return Err(OpenError);
        }
        let mut body = Zeroizing::new(body.to_vec());
        let opened = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(about), &mut body)
            .map_err(|_| OpenError)?
            .len();
        body.truncate(opened);
        Ok(body)
    }
}

/// What sealed bytes belong to. All but the name, which comes last, has a fixed length, so no two read the same.
fn about(account: AccountId, name: &SecretName) -> Vec<u8> {
    [PURPOSE, account.as_uuid().as_bytes(), name.as_str().as_bytes()].concat()
}

/// A new key, as `--secrets-key` takes it.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_key() -> Result<SecretString, SealError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
    Ok(STANDARD.encode(bytes.as_slice()).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&SecretsConfig { secrets_key: Some(new_key().unwrap()) }).unwrap().unwrap()
    }

    fn name(text: &str) -> SecretName {
        text.parse().unwrap()
    }

    fn seal(sealer: &Sealer, value: &str) -> Vec<u8> {
        sealer.seal(AccountId::named("a"), &name("token"), &value.to_owned().into()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened_again(value in ".{0,300}") {
            let sealer = sealer();
            let ciphertext = seal(&sealer, &value);
            let opened = sealer.open(AccountId::named("a"), &name("token"), &ciphertext).unwrap();
            prop_assert_eq!(opened.expose_secret(), &value);
        }

        #[test]
        fn what_was_changed_is_not_opened(value in ".{0,40}", place: prop::sample::Index, bit in 0_u8..8) {
            let sealer = sealer();
            let mut ciphertext = seal(&sealer, &value);
            let place = place.index(ciphertext.len());
            ciphertext[place] ^= 1 << bit;
            prop_assert!(sealer.open(AccountId::named("a"), &name("token"), &ciphertext).is_err());
        }

        #[test]
        fn any_bytes_are_refused_quietly(bytes: Vec<u8>) {
            prop_assert!(sealer().open(AccountId::named("a"), &name("token"), &bytes).is_err());
        }
    }

    #[test]
    fn only_the_same_key_account_and_name_open_it() {
        let sealer = sealer();
        let ciphertext = seal(&sealer, "planted-secret");
        let account = AccountId::named("a");
        assert!(sealer.open(account, &name("token"), &ciphertext).is_ok());
        assert!(sealer.open(AccountId::named("b"), &name("token"), &ciphertext).is_err());
        assert!(sealer.open(account, &name("token2"), &ciphertext).is_err());
        assert!(self::sealer().open(account, &name("token"), &ciphertext).is_err());
        assert!(!ciphertext.windows(7).any(|part| part == b"planted"));
    }

    #[test]
    fn what_is_the_products_own_is_opened_by_its_name_only_and_is_no_accounts_secret() {
        let sealer = sealer();
        let ciphertext = sealer.seal_own("a signing key", &[0, 159, 255]).unwrap();
        assert_eq!(*sealer.open_own("a signing key", &ciphertext).unwrap(), [0, 159, 255]);
        assert!(sealer.open_own("another", &ciphertext).is_err());
        assert!(self::sealer().open_own("a signing key", &ciphertext).is_err());
        assert!(sealer.open(AccountId::named("a"), &name("token"), &ciphertext).is_err());
        assert!(sealer.open_own("token", &seal(&sealer, "x")).is_err());
    }

    #[test]
    fn the_same_secret_looks_different_each_time() {
        let sealer = sealer();
        assert_ne!(seal(&sealer, "x"), seal(&sealer, "x"));
    }

    #[test]
    fn a_secret_is_bounded() {
        let sealer = sealer();
        let seal = |bytes| {
            let value = "x".repeat(bytes).into();
            sealer.seal(AccountId::named("a"), &name("token"), &value).map(|sealed| sealed.len())
        };
        assert_eq!(seal(VALUE_BYTES_MAX), Ok(VALUE_BYTES_MAX + 1 + 12 + 16));
        assert_eq!(seal(VALUE_BYTES_MAX + 1), Err(SealError::TooLong));
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_or_absent() {
        let of = |text: &str| Sealer::new(&SecretsConfig { secrets_key: Some(text.to_owned().into()) });
        assert!(matches!(of(""), Ok(None)));
        assert!(matches!(Sealer::new(&SecretsConfig::default()), Ok(None)));
        assert!(matches!(of(&format!(" {}=\n", "A".repeat(43))), Ok(Some(_))));
        for bad in ["password", "AAAA", &"A".repeat(44), &"0".repeat(64)] {
            assert!(matches!(of(bad), Err(KeyError)), "{bad}");
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        let key = new_key().unwrap();
        let config = SecretsConfig { secrets_key: Some(key.clone()) };
        let shown = format!("{config:?} {:?}", Sealer::new(&config).unwrap().unwrap());
        assert!(!shown.contains(key.expose_secret()), "{shown}");
    }
}
