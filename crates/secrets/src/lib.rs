//! Sealing what accounts entrust to us, so that only a process with the operator's key can read it.
//!
//! The gateway seals a secret before it goes anywhere, the execution runner opens it when a call needs it; what lies
//! between, the bus, the catalog and its database, sees sealed bytes only. They are sealed for one account and one name:
//! moved to another row they cannot be opened.
//!
//! The form is a byte 1, a random nonce of 12 bytes, and AES-256-GCM's output (NIST SP 800-38D). Random nonces are safe for
//! 2^32 secrets under one key.

mod config;
mod sealer;

pub use config::SecretsConfig;
pub use sealer::{KeyError, OpenError, SealError, Sealer, VALUE_BYTES_MAX, new_key};
