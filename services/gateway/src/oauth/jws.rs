//! Signed tokens (RFC 7515, compact) in the one form that is made here: ES256 (RFC 7518 §3.4), a type, the key's id.
//!
//! The algorithm is not the token's to choose, and a token of one type is none of another (RFC 8725 §3.1, §3.11).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, EcdsaKeyPair, UnparsedPublicKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The algorithm's name.
pub(super) const ALGORITHM: &str = "ES256";
/// Bytes of a token at most; one of ours has a thousand, and some more where it holds a URL and a state.
const BYTES_MAX: usize = 24 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: Uuid,
}

/// A token that nobody has looked at the signature of.
pub(super) struct Unverified<'a> {
    /// The key that it says it is signed with.
    pub kid: Uuid,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Signs claims; none when the system gives no random bytes.
pub(super) fn sign(kid: Uuid, pair: &EcdsaKeyPair, typ: &str, claims: &impl Serialize) -> Option<String> {
    let header = Header { alg: ALGORITHM.to_owned(), typ: typ.to_owned(), kid };
    let part = |json: Result<Vec<u8>, serde_json::Error>| json.ok().map(|json| URL_SAFE_NO_PAD.encode(json));
    let mut text = part(serde_json::to_vec(&header))?;
    text.push('.');
    text.push_str(&part(serde_json::to_vec(claims))?);
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).ok()?;
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Some(text)
}

/// Reads a token of this type; none when it is something else.
pub(super) fn read<'a>(typ: &str, text: &'a str) -> Option<Unverified<'a>> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.alg != ALGORITHM || header.typ != typ {
        return None;
    }
    // A third dot is no letter of base64url.
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    Some(Unverified { kid: header.kid, signed, payload, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
}

impl Unverified<'_> {
    /// What it says, if that is what the holder of this key has signed.
    pub fn claims<T: DeserializeOwned>(&self, public_key: &[u8]) -> Option<T> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key);
        key.verify(self.signed.as_bytes(), &self.signature).ok()?;
        serde_json::from_slice(&self.payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use ring::hmac;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    fn pair() -> EcdsaKeyPair {
        let rng = SystemRandom::new();
        let bytes = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes.as_ref(), &rng).unwrap()
    }

    fn claims(text: &str, key: &[u8]) -> Option<Value> {
        read("at+jwt", text)?.claims(key)
    }

    fn encoded(json: &Value) -> String {
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    #[test]
    fn what_is_signed_is_read_with_its_key_and_type_only() {
        let (pair, other) = (pair(), self::pair());
        let token = sign(Uuid::from_u128(7), &pair, "at+jwt", &json!({"a": 1})).unwrap();
        let key = pair.public_key().as_ref();
        assert_eq!(read("at+jwt", &token).unwrap().kid, Uuid::from_u128(7));
        assert_eq!(claims(&token, key), Some(json!({"a": 1})));
        assert_eq!(claims(&token, other.public_key().as_ref()), None);
        assert!(read("jwt", &token).is_none());
    }

    #[test]
    fn any_change_is_noticed() {
        let pair = pair();
        let token = sign(Uuid::nil(), &pair, "at+jwt", &json!({"scope": "read_only"})).unwrap();
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'Q' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(claims(&changed, pair.public_key().as_ref()), None, "{place}");
        }
        for end in 0..token.len() {
            assert_eq!(claims(&token[..end], pair.public_key().as_ref()), None, "{end}");
        }
    }

    #[test]
    fn the_token_does_not_choose_how_it_is_checked() {
        let pair = pair();
        let key = pair.public_key().as_ref();
        let body = encoded(&json!({"scope": "full_access"}));
        let header = |alg: &str| encoded(&json!({"alg": alg, "typ": "at+jwt", "kid": Uuid::nil()}));
        for alg in ["none", "None", "", "RS256"] {
            assert_eq!(claims(&format!("{}.{body}.", header(alg)), key), None, "{alg}");
        }
        // The public key as a shared secret.
        let signed = format!("{}.{body}", header("HS256"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
        assert_eq!(claims(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)), key), None);
        // A key that the token brings along.
        let jwk = encoded(&json!({"alg": "ES256", "typ": "at+jwt", "kid": Uuid::nil(), "jwk": {}}));
        let signature = pair.sign(&SystemRandom::new(), format!("{jwk}.{body}").as_bytes()).unwrap();
        assert_eq!(claims(&format!("{jwk}.{body}.{}", URL_SAFE_NO_PAD.encode(signature)), key), None);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let pair = pair();
        for text in ["", ".", "..", "...", "a.b.c", "a.b.c.d.e", &".".repeat(99), &"A".repeat(BYTES_MAX + 1)]
        {
            assert_eq!(claims(text, pair.public_key().as_ref()), None, "{text}");
        }
    }
}
