//! The catalog's tables. No other service touches them.

mod announced;
mod erase;
pub(crate) mod knowledge;
mod list;
mod read;
mod row;
mod secrets;
mod write;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use pg::Pool;

pub(crate) use list::{After, Wanted};
pub(crate) use row::{Revision, StoredWorkflow};
pub(crate) use secrets::{NewSecret, StoredSecret};
pub(crate) use write::{NewWorkflow, StateChange, Update};

/// The schema that the tables live in.
pub const SCHEMA: &str = "catalog";
/// The tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// What was asked for did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// No such workflow, knowledge base or document in this account.
    #[error("there is nothing that is called so")]
    NotFound,
    /// Another one of the account has the name.
    #[error("the name is taken")]
    NameTaken,
    /// `If-Match` names another version.
    #[error("the workflow has another version")]
    OtherVersion,
    /// The state does not allow it.
    #[error("{0}")]
    Conflict(&'static str),
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] pg::Unavailable),
    /// The database went away in the middle.
    #[error("the database went away")]
    Lost(#[source] diesel::result::Error),
    /// A statement is wrong for this database.
    #[error("a statement failed")]
    Statement(#[source] diesel::result::Error),
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        match error {
            Error::NotFound => Self::NotFound,
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, ref what)
                if matches!(
                    what.constraint_name(),
                    Some("workflows_by_name" | "knowledge_bases_by_name")
                ) =>
            {
                Self::NameTaken
            }
            error if pg::is_unavailable(&error) => Self::Lost(error),
            error => Self::Statement(error),
        }
    }
}

/// The tables. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: Pool,
}

impl Store {
    /// Over these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }
}
