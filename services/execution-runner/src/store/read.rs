//! What the rest of the product asks: executions, totals, messages, conversations.
//!
//! Reads only, through the pool. What is answered together is read in one snapshot, so that a page and its total
//! agree. Nothing here counts rows, but for what is left of an hour and for one customer's conversations.

mod commits;
mod conversations;
mod list;
mod row;
mod runners;
mod said;
mod single;
mod span;
mod totals;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use flow_model::AccountId;
use futures::future::BoxFuture;
use pg::Pool;

pub(crate) use conversations::{Begins, Which};
pub(crate) use list::{Filter, Place, Status};
pub(crate) use row::{ExecutionRow, FINISHED_COLUMNS};
pub(crate) use runners::Ownerships;
pub(crate) use said::Happened;
pub(crate) use single::{Cursor, MessageFate};

/// Reading failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The database is away or too slow.
    #[error(transparent)]
    Unavailable(#[from] pg::Unavailable),
    /// A statement is wrong for this database.
    #[error("a statement failed")]
    Statement(#[source] diesel::result::Error),
    /// The database went away in the middle.
    #[error("the database went away")]
    Lost(#[source] diesel::result::Error),
}

impl From<diesel::result::Error> for ReadError {
    fn from(error: diesel::result::Error) -> Self {
        if pg::is_unavailable(&error) { Self::Lost(error) } else { Self::Statement(error) }
    }
}

/// Reads the runner's tables.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    pool: Pool,
}

impl Reads {
    /// Over these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Runs `work` on one snapshot of everything.
    pub(super) async fn snapshot<T, F>(&self, work: F) -> Result<T, ReadError>
    where
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, ReadError>> + Send + 'static,
        T: Send + 'static,
    {
        self.pool.run(|connection| Box::pin(on_snapshot(connection, work))).await
    }

    /// Runs `work` on one snapshot of what is an account's.
    pub(super) async fn snapshot_of<T, F>(&self, account: AccountId, work: F) -> Result<T, ReadError>
    where
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, ReadError>> + Send + 'static,
        T: Send + 'static,
    {
        self.pool.run_of(*account.as_uuid(), |connection| Box::pin(on_snapshot(connection, work))).await
    }
}

async fn on_snapshot<T, F>(connection: &mut AsyncPgConnection, work: F) -> Result<T, ReadError>
where
    F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, ReadError>>,
{
    // The locks come before the snapshot, which the first query takes: a slice is dropped before all of it or after, though a
    // drop is seen by older snapshots, too.
    connection
        .batch_execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             LOCK TABLE ONLY executions, ONLY conversation_notes IN ACCESS SHARE MODE",
        )
        .await?;
    work(connection).await
}
