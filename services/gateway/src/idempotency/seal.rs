//! Answers that hold a secret, as they are kept: only who sent the request can have them opened.
//!
//! The sealing key is made of the API key that the request came with. Of that the database has nothing but a hash of another
//! form, so whoever reads the database reads no secret. The form is a random nonce of 12 bytes and AES-256-GCM's output (NIST
//! SP 800-38D); sealed for one request, the bytes open for no other.

use std::fmt;

use bytes::Bytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

/// What the sealing key is for, so that it is no hash that is kept elsewhere.
const PURPOSE: &[u8] = b"turnloom.idempotent-answer.v1\n";

/// Seals and opens; does not show its key.
#[derive(Clone)]
pub(crate) struct Seal {
    key: Option<LessSafeKey>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    /// That of an API key, which has 190 random bits, so that no slow hash is needed.
    pub fn of(api_key: &str) -> Self {
        let key: [u8; 32] = Sha256::new().chain_update(PURPOSE).chain_update(api_key).finalize().into();
        Self { key: UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new) }
    }

    /// Seals for this request; none when the system gives no random bytes.
    pub fn seal(&self, request: &[u8; 32], plain: &[u8]) -> Option<Bytes> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut body = plain.to_vec();
        let key = self.key.as_ref()?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(request), &mut body)
            .ok()?;
        Some([nonce.as_slice(), &body].concat().into())
    }

    /// Opens what was sealed for this request.
    pub fn open(&self, request: &[u8; 32], sealed: &[u8]) -> Option<Bytes> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.as_ref()?.open_in_place(nonce, Aad::from(request), &mut body).ok()?;
        Some(Bytes::copy_from_slice(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_the_same_key_and_request_only() {
        let (seal, request) = (Seal::of("tl_a"), [1; 32]);
        let sealed = seal.seal(&request, b"a secret").unwrap();
        assert!(!sealed.windows(8).any(|part| part == b"a secret"));
        assert_ne!(seal.seal(&request, b"a secret").unwrap(), sealed);
        assert_eq!(Seal::of("tl_a").open(&request, &sealed).unwrap(), "a secret");
        assert_eq!(Seal::of("tl_b").open(&request, &sealed), None);
        assert_eq!(seal.open(&[2; 32], &sealed), None);
        for length in 0..sealed.len() {
            assert_eq!(seal.open(&request, &sealed[..length]), None);
        }
    }
}
