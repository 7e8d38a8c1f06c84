//! API keys: `tl_`, 33 base-62 characters of secret (196 bits), 6 characters of checksum.
//!
//! The prefix lets scanners of leaked secrets recognise a key, the checksum (CRC-32 of all before it) refuses a
//! mistyped one without asking the database. What is stored is the SHA-256 of the whole text, and what is looked for is that, too: no
//! key is ever compared with another, so the time that a refusal takes says nothing of how much of one was guessed.

use std::str::FromStr;

use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How every key begins.
pub const PREFIX: &str = "tl_";
/// Characters of the secret: 62^33 are more than 2^196.
const SECRET_CHARS: usize = 33;
/// Characters of the checksum: 62^6 are more than 2^32.
const CHECKSUM_CHARS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key: it must be tl_, 33 characters and a checksum of 6")]
pub struct NotAKey;

/// A key's text, checked. Never shown by `Debug`.
#[derive(Debug, Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// A fresh key.
    #[must_use]
    pub fn generate() -> Self {
        Self(mint(PREFIX).into())
    }

    /// Reads a key.
    ///
    /// # Errors
    /// When prefix, length, alphabet or checksum are wrong.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        if is_minted(PREFIX, text) { Ok(Self(text.to_owned().into())) } else { Err(NotAKey) }
    }

    /// What the database knows it by.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret().as_bytes()).into()
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A fresh secret of this form, with another prefix, of ASCII.
pub(crate) fn mint(prefix: &str) -> String {
    let mut rng = rand::rng();
    let mut text = prefix.to_owned();
    for _ in 0..SECRET_CHARS {
        text.push(digit(rng.random_range(0..62)));
    }
    let checksum = checksum(&text);
    text.push_str(&checksum);
    text
}

/// Whether prefix, length, alphabet and checksum are those of a secret with this prefix.
pub(crate) fn is_minted(prefix: &str, text: &str) -> bool {
    let long_enough = text.len() == prefix.len() + SECRET_CHARS + CHECKSUM_CHARS;
    if !text.starts_with(prefix) || !long_enough || !text.is_ascii() {
        return false;
    }
    let (body, given) = text.split_at(text.len() - CHECKSUM_CHARS);
    let secret = body.strip_prefix(prefix).unwrap_or_default();
    secret.bytes().all(|byte| ALPHABET.contains(&byte)) && checksum(body) == given
}

fn digit(value: u32) -> char {
    ALPHABET.get(value as usize).map_or('0', |byte| char::from(*byte))
}

fn checksum(text: &str) -> String {
    let mut left = crc32fast::hash(text.as_bytes());
    let mut digits = Vec::with_capacity(CHECKSUM_CHARS);
    for _ in 0..CHECKSUM_CHARS {
        digits.push(digit(left % 62));
        left /= 62;
    }
    digits.into_iter().rev().collect()
}

/// What a key lets its holder do; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reading.
    ReadOnly,
    /// Also creating, changing, activating, and messages.
    ReadWrite,
    /// Everything, deleting included.
    FullAccess,
}

/// The text names no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of read_only, read_write, full_access")]
pub struct ParseLevelError;

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(ParseLevelError)
    }
}

impl Level {
    /// All levels, from the lowest.
    pub const ALL: [Self; 3] = [Self::ReadOnly, Self::ReadWrite, Self::FullAccess];

    /// As the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::ReadWrite => "read_write",
            Self::FullAccess => "full_access",
        }
    }

    /// As it is stored.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::ReadOnly => 1,
            Self::ReadWrite => 2,
            Self::FullAccess => 3,
        }
    }

    /// A stored level. One of a newer version counts as the lowest.
    #[must_use]
    pub fn from_code(code: i16) -> Self {
        match code {
            3 => Self::FullAccess,
            2 => Self::ReadWrite,
            _ => Self::ReadOnly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_is_a_key() {
        let key = ApiKey::generate();
        assert!(key.expose().starts_with(PREFIX));
        assert_eq!(ApiKey::parse(key.expose()).map(|read| read.sha256()), Ok(key.sha256()));
    }

    #[test]
    fn every_single_mistyped_character_is_noticed() {
        let text = ApiKey::generate().expose().to_owned();
        for place in 0..text.len() {
            let mut wrong: Vec<char> = text.chars().collect();
            if let Some(character) = wrong.get_mut(place) {
                *character = if *character == 'x' { 'y' } else { 'x' };
            }
            let wrong: String = wrong.into_iter().collect();
            assert!(ApiKey::parse(&wrong).is_err(), "{place}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "tl_", "sk_0123", &"x".repeat(42), &"é".repeat(21)] {
            assert!(ApiKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_never_shown_by_debug() {
        let key = ApiKey::generate();
        assert!(!format!("{key:?}").contains(key.expose()));
    }
}
