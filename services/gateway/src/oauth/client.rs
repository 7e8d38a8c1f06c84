//! Clients: programs that act for an account.

use flow_model::{AccountId, OAuthClientId};

use crate::key::Level;
use crate::store::StoreError;

/// How a client gets its first token. A refresh token comes with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantType {
    /// By a code that somebody consented to.
    AuthorizationCode,
    /// By its own secret.
    ClientCredentials,
}

impl GrantType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AuthorizationCode, Self::ClientCredentials];

    /// As RFC 6749 and the tables spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// The one with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What is known of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub id: OAuthClientId,
    /// The only one that it can act for.
    pub account: AccountId,
    pub name: String,
    /// The most that it may ask for.
    pub level: Level,
    pub grant_types: Vec<GrantType>,
    pub redirect_uris: Vec<String>,
    /// None of a public client.
    pub secret_sha256: Option<[u8; 32]>,
    /// Unix milliseconds.
    pub created_at_ms: i64,
    /// When it was last let in, to the minute, Unix milliseconds.
    pub last_used_at_ms: Option<i64>,
}

impl Client {
    /// Whether it may get in this way.
    pub fn may(&self, kind: GrantType) -> bool {
        self.grant_types.contains(&kind)
    }

    /// Whether it has a secret.
    pub fn is_confidential(&self) -> bool {
        self.secret_sha256.is_some()
    }
}

/// A client that is to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewClient {
    pub name: String,
    pub level: Level,
    pub confidential: bool,
    pub grant_types: Vec<GrantType>,
    pub redirect_uris: Vec<String>,
}

/// Why something about clients was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The account has no such client.
    #[error("there is no such client")]
    NoSuchClient,
    /// The account has [`super::CLIENTS_MAX`] clients.
    #[error("the account has {} OAuth clients, which is the most", super::CLIENTS_MAX)]
    TooManyClients,
    /// The tables cannot be asked. A change may have been made.
    #[error("clients cannot be reached")]
    Store(#[from] StoreError),
}

impl From<pg::Unavailable> for ClientError {
    fn from(error: pg::Unavailable) -> Self {
        Self::Store(error.into())
    }
}

impl From<diesel::result::Error> for ClientError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
