//! Proof of possession of a code (RFC 7636), by S256 only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Characters of a challenge: 32 bytes in base64url.
const CHALLENGE_CHARS: usize = 43;
/// Characters of a verifier, at least and at most.
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// Whether a text can be a challenge: the hash of something.
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_CHARS && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// Whether a text is a verifier (RFC 7636 §4.1).
pub(crate) fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    VERIFIER_CHARS.contains(&text.len()) && text.bytes().all(unreserved)
}

/// The challenge of a verifier.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standards_example() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_verifier(verifier) && is_challenge(&challenge(verifier)));
    }

    #[test]
    fn what_cannot_be_a_challenge_or_verifier_is_refused() {
        let padded = format!("{}=", "A".repeat(43));
        for text in ["", "plain", &"A".repeat(42), &padded, &"+".repeat(43), &"B".repeat(43)] {
            assert!(!is_challenge(text), "{text}");
        }
        for text in [&"a".repeat(42), &"a".repeat(129), &" ".repeat(50), &"é".repeat(30)] {
            assert!(!is_verifier(text), "{text}");
        }
        assert!(is_verifier(&"~".repeat(128)));
    }
}
