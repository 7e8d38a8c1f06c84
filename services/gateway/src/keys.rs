//! Accounts and their keys: what the API and the command line do with them.
//!
//! A key is a row that stays; what callers send is one of its secrets. One secret is current. Those that were replaced
//! by a rotation are retired, each until an end of its own. A key that is revoked or expired stays to be seen, and lets nobody
//! in by any of its secrets (`auth`).

mod desk;
mod record;

pub use desk::{AccountSeen, Desk, KeyError};
pub use record::{AccountName, AccountRecord, KeyRecord, KeyStatus, NewKey, NotAnAccountName};

pub use crate::limit::{LIMIT_MAX, Limits, NotALimit};

/// Characters of a key's name at most.
pub const NAME_CHARS_MAX: usize = 100;
/// Keys of an account that work at most.
pub const KEYS_MAX: i64 = 1000;
/// Days that a key can be seen after it was revoked or expired.
pub const ENDED_KEPT_DAYS: i64 = 400;
/// A key's time may be over then at the latest, Unix milliseconds: with the year 9999. Later is never.
pub const EXPIRY_MS_MAX: i64 = 253_402_300_799_000;
/// How long the secret before a rotation stays valid unless something else is asked for, milliseconds: a day.
pub const OVERLAP_DEFAULT_MS: i64 = 24 * 60 * 60 * 1000;
/// The same at most: thirty days.
pub const OVERLAP_MAX_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Secrets of a key that are retired and still valid at most.
pub const RETIRED_MAX: i64 = 4;
