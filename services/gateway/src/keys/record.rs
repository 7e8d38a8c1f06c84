//! What is known of an account and of a key.

use std::fmt;
use std::str::FromStr;

use flow_model::{AccountId, ApiKeyId};

use super::Limits;
use crate::key::Level;

/// Characters of an account's name at most.
const ACCOUNT_NAME_CHARS_MAX: usize = 64;

/// The text cannot be an account's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account's name begins with a letter or digit and goes on with those, '.', '_' and '-', 64 in all at most"
)]
pub struct NotAnAccountName;

/// The name of an account; its id follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account's id.
    #[must_use]
    pub fn id(&self) -> AccountId {
        AccountId::named(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = NotAnAccountName;

    fn from_str(text: &str) -> Result<Self, NotAnAccountName> {
        let begins = text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        let goes_on = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if begins && text.len() <= ACCOUNT_NAME_CHARS_MAX && text.chars().all(goes_on) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAccountName)
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its id.
    pub id: AccountId,
    /// Its name, unique.
    pub name: String,
    /// What is set for all its keys.
    pub limits: Limits,
    /// Since when it is there, Unix milliseconds.
    pub created_at_ms: i64,
    /// How many of its keys work.
    pub active_keys: u64,
}

/// Whether a key lets anybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// It does.
    Active,
    /// Not any more: its time is over.
    Expired,
    /// Not any more: somebody has ended it.
    Revoked,
}

impl KeyStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    /// As the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// A key, without any secret. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is called; nothing hangs on that.
    pub name: String,
    /// What it lets its holder do.
    pub level: Level,
    /// Whether it lets anybody in.
    pub status: KeyStatus,
    /// What is set for it alone.
    pub limits: Limits,
    /// Since when it is there.
    pub created_at_ms: i64,
    /// When its time is over, if ever.
    pub expires_at_ms: Option<i64>,
    /// When somebody ended it.
    pub revoked_at_ms: Option<i64>,
    /// When its secret was replaced last.
    pub rotated_at_ms: Option<i64>,
    /// Until when a secret that was replaced is still valid.
    pub overlap_until_ms: Option<i64>,
    /// When it was last let in, to the minute; up to a quarter of a minute late.
    pub last_used_at_ms: Option<i64>,
}

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What to call it; at most [`super::NAME_CHARS_MAX`] characters.
    pub name: String,
    /// What it is to let its holder do.
    pub level: Level,
    /// What is set for it alone.
    pub limits: Limits,
    /// When its time is over, Unix milliseconds, [`super::EXPIRY_MS_MAX`] at most; none is never.
    pub expires_at_ms: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_accounts_can_stand_anywhere() {
        for name in ["default", "a", "Acme.eu_2-b", &"x".repeat(64)] {
            assert_eq!(
                name.parse::<AccountName>().map(|name| name.id()),
                Ok(AccountId::named(name)),
                "{name}"
            );
        }
        for name in ["", "-a", "a b", "a/b", "ä", ".", &"x".repeat(65)] {
            assert_eq!(name.parse::<AccountName>(), Err(NotAnAccountName), "{name}");
        }
    }
}
