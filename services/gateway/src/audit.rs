//! Who changed what, when and from where. Rows are only added, and go when they are over their time.
//!
//! The row of a change is written when the change was made, before it is answered. A change is another service's commit, so no
//! transaction holds both: a row before would tell of changes that were then refused, and could not be taken back. When the row
//! cannot be written the caller is told so with 503, and the log has all that it would have said: a change is never silent. A gateway that is
//! killed between the two leaves a change without a row, and a caller without an answer.
//!
//! Deliberately absent: what a change was. Bodies may hold what nobody else may read; revisions and records tell the rest.

use std::net::IpAddr;
use std::time::Duration;

use flow_model::{AccountId, ApiKeyId, AuditEntryId, OAuthClientId};
use platform::clock;
use platform::keep::Keep;
use tokio::time::MissedTickBehavior;

use crate::span::{Listed, Span};
use crate::store::{Store, StoreError};

/// Characters of a resource that are kept.
pub const RESOURCE_CHARS_MAX: usize = 300;
/// How often what is over its time is removed.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// Who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody on the command line.
    Operator,
    /// Whoever has this key.
    Key(ApiKeyId),
    /// An OAuth client with an access token.
    Client(OAuthClientId),
}

/// What is written of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub account: AccountId,
    /// By whom.
    pub by: By,
    /// The operation's id in the API's documentation, or what an operator calls it.
    pub action: &'static str,
    /// What was changed, if that is known; [`RESOURCE_CHARS_MAX`] characters at most.
    pub resource: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The request's id; empty on the command line.
    pub request_id: String,
    /// Who sent it.
    pub remote_address: Option<IpAddr>,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: AuditEntryId,
    /// When it was written, Unix milliseconds.
    pub at_ms: i64,
    /// The key; none on the command line, and of a client.
    pub key: Option<ApiKeyId>,
    /// The OAuth client, if it was one.
    pub client: Option<OAuthClientId>,
    /// The name of the key or client then.
    pub actor: String,
    /// The operation's id.
    pub action: String,
    /// What was changed.
    pub resource: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// The request's id.
    pub request_id: String,
    /// Who sent it.
    pub remote_address: Option<String>,
}

/// Which rows are wanted. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this operation.
    pub action: Option<String>,
    /// Of this one.
    pub actor: Option<Actor>,
    /// Written then or later, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Written then or earlier, Unix milliseconds.
    pub to_ms: Option<i64>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// This key.
    Key(ApiKeyId),
    /// This OAuth client.
    Client(OAuthClientId),
    /// Whoever had this name then.
    Named(String),
}

/// The log. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Log {
    store: Store,
}

impl Log {
    /// In these tables.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Adds a row, with the time that it is now.
    ///
    /// # Errors
    /// When the database is away; then there may be a row.
    pub async fn write(&self, change: &Change) -> Result<(), StoreError> {
        let id = AuditEntryId::new(clock::new_uuid_v7());
        self.store.add_entry(id, change).await
    }

    /// Rows of an account, newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(
        &self,
        account: AccountId,
        filter: Filter,
        span: Span,
    ) -> Result<Listed<Entry>, StoreError> {
        self.store.entries(account, filter, span).await
    }

    /// Goes on removing what is over its time, for ever.
    pub(crate) async fn tidy(self, keep: Keep) {
        let mut ticks = tokio::time::interval(FORGET_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(since_ms) = keep.since_ms(clock::now_ms()) else { return };
            match self.forget(since_ms).await {
                Ok(0) => {}
                Ok(rows) => {
                    tracing::info!(rows, "rows of the audit log that were over their time are removed");
                }
                Err(error) => {
                    tracing::warn!(%error, "the audit log cannot be tidied; it is tried again later");
                }
            }
        }
    }

    /// Removes what was written before this, Unix milliseconds, piece by piece; gives how many rows that were.
    async fn forget(&self, since_ms: i64) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let piece = self.store.forget_entries(since_ms).await?;
            removed += piece;
            if piece == 0 {
                return Ok(removed);
            }
        }
    }
}
