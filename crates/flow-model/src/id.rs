//! Ids: a type for each kind, written `<kind>-<uuid>`.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The text is not an id of the wanted kind. The API answers it as if the id were unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct ParseIdError;

/// What an id stands for; the word in front of its UUID.
pub trait Kind: Copy + Eq + Ord + Hash {
    /// Such as `workflow` in `workflow-0192…`.
    const NAME: &'static str;
}

/// The kinds of ids. They are never made: they only name a type.
pub mod kind {
    /// The tenant that everything belongs to.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Account {}
    /// A workflow, whatever its revision.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Workflow {}
    /// One turn.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Execution {}
    /// One customer of an account on one channel.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Conversation {}
    /// Something that was said outside an execution.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Message {}
    /// An input, or a frame of inputs, that could not be handled.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum DeadLetter {}
    /// Documents that answers are taken from.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum KnowledgeBase {}
    /// A process that runs turns.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Runner {}
    /// What lets somebody in, whatever its secret is now.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum ApiKey {}
    /// A program that acts for an account by OAuth 2.0.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum OAuthClient {}
    /// A row of the audit log.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AuditEntry {}

    impl super::Kind for Account {
        const NAME: &'static str = "account";
    }
    impl super::Kind for Workflow {
        const NAME: &'static str = "workflow";
    }
    impl super::Kind for Execution {
        const NAME: &'static str = "execution";
    }
    impl super::Kind for Conversation {
        const NAME: &'static str = "conversation";
    }
    impl super::Kind for Message {
        const NAME: &'static str = "message";
    }
    impl super::Kind for DeadLetter {
        const NAME: &'static str = "dead-letter";
    }
    impl super::Kind for KnowledgeBase {
        const NAME: &'static str = "knowledge-base";
    }
    impl super::Kind for Runner {
        const NAME: &'static str = "runner";
    }
    impl super::Kind for ApiKey {
        const NAME: &'static str = "api-key";
    }
    impl super::Kind for OAuthClient {
        const NAME: &'static str = "oauth-client";
    }
    impl super::Kind for AuditEntry {
        const NAME: &'static str = "audit-entry";
    }
}

/// The tenant that everything belongs to.
pub type AccountId = Id<kind::Account>;
/// A workflow, whatever its revision.
pub type WorkflowId = Id<kind::Workflow>;
/// One turn. A UUIDv7, minted when the input is accepted, so that ids sort by acceptance.
pub type ExecutionId = Id<kind::Execution>;
/// A conversation: one customer of an account on one channel.
pub type ConversationId = Id<kind::Conversation>;
/// Something that was said outside an execution, such as what a person writes. A UUIDv7 of when it was accepted.
pub type MessageId = Id<kind::Message>;
/// An input that could not be handled. Ids sort by when it was put aside.
pub type DeadLetterId = Id<kind::DeadLetter>;
/// Documents that answers are taken from.
pub type KnowledgeBaseId = Id<kind::KnowledgeBase>;
/// A process that runs turns; a new one each time that it is started.
pub type RunnerId = Id<kind::Runner>;
/// What lets somebody in. It stays when the secret is rotated; ids sort by when keys were made.
pub type ApiKeyId = Id<kind::ApiKey>;
/// A program that acts for an account by OAuth 2.0: its `client_id`. Ids sort by when clients were registered.
pub type OAuthClientId = Id<kind::OAuthClient>;
/// A row of the audit log. A UUIDv7 of when it was written.
pub type AuditEntryId = Id<kind::AuditEntry>;

/// An id of one kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>(Uuid, PhantomData<K>);

impl<K: Kind> Id<K> {
    /// Wraps the bare UUID.
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The bare UUID, as stored in the database.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// The bare UUID's 16 bytes, as sent on the bus.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    /// Reads the 16 bytes of a bus message.
    ///
    /// # Errors
    /// When there are not exactly 16.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseIdError> {
        Uuid::from_slice(bytes).map(Self::new).map_err(|_| ParseIdError)
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::NAME)?;
        f.write_str("-")?;
        f.write_str(self.0.as_hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH]))
    }
}

impl<K: Kind> Serialize for Id<K> {
    /// As it is displayed.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The nil UUID: of nothing.
impl<K: Kind> Default for Id<K> {
    fn default() -> Self {
        Self::new(Uuid::nil())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;

    /// Reads `<kind>-<uuid>`; only the form that [`fmt::Display`] writes is an id.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let id = text.strip_prefix(K::NAME).and_then(|rest| rest.strip_prefix('-')).ok_or(ParseIdError)?;
        let uuid = Uuid::try_parse(id).map_err(|_| ParseIdError)?;
        let canonical = uuid.as_hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH]) == id;
        if canonical { Ok(Self::new(uuid)) } else { Err(ParseIdError) }
    }
}

/// Name space of the ids that are derived from names (UUIDv5, RFC 9562).
const NAMES: Uuid = Uuid::from_u128(0x6f2b_1c52_91d4_4b7e_a3c5_0d8e_74f1_92ab);

impl AccountId {
    /// The id of the account with this name; known before the account exists.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::new(Uuid::new_v5(&NAMES, format!("account/{name}").as_bytes()))
    }
}

impl ExecutionId {
    /// Unix time in milliseconds inside the `UUIDv7`: when the input was accepted. Zero for another kind of UUID.
    #[must_use]
    pub fn accepted_at_ms(&self) -> i64 {
        self.0.get_timestamp().map_or(0, |time| {
            let (seconds, nanos) = time.to_unix();
            i64::try_from(seconds).unwrap_or(0) * 1000 + i64::from(nanos / 1_000_000)
        })
    }
}

impl ConversationId {
    /// The conversation of a customer on a channel; derived by name, so that it is known before anything ran.
    #[must_use]
    pub fn of(account: AccountId, channel: &str, customer_id: &str) -> Self {
        // The channel has no slash, so no two pairs give the same name.
        Self::new(Uuid::new_v5(account.as_uuid(), format!("{channel}/{customer_id}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let id = WorkflowId::new(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn another_kind_another_case_and_another_form_are_refused() {
        for text in [
            "execution-00000000-0000-0000-0000-000000000007",
            "workflow-00000000-0000-0000-0000-00000000000A",
            "workflow-00000000000000000000000000000007",
            "workflow-123",
            "",
        ] {
            assert_eq!(text.parse::<WorkflowId>(), Err(ParseIdError), "{text}");
        }
    }
}
