//! The names of accounts' secrets.

use std::fmt;
use std::str::FromStr;

/// Characters of a name at most.
pub const SECRET_NAME_CHARS_MAX: usize = 64;

/// The text is not the name of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret's name begins with a letter from a to z and goes on with those, digits and _, 64 in all at most"
)]
pub struct ParseSecretNameError;

/// The name of a secret, unique in its account: `[a-z][a-z0-9_]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = ParseSecretNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = text.starts_with(|letter: char| letter.is_ascii_lowercase());
        let goes_on = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if begins && text.len() <= SECRET_NAME_CHARS_MAX && text.chars().all(goes_on) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseSecretNameError)
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        let longest = "a".repeat(64);
        for good in ["a", "crm_token", "token2", &longest] {
            assert_eq!(good.parse::<SecretName>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        let long = "a".repeat(65);
        for bad in ["", "_a", "2a", "A", "aB", "a-b", "a.b", "a b", "ä", "a\n", &long] {
            assert_eq!(bad.parse::<SecretName>(), Err(ParseSecretNameError), "{bad}");
        }
    }
}
