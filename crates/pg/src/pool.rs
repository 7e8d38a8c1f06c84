//! Pooled diesel connections, and transactions that a dropped caller cannot leave open.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use diesel_async::pooled_connection::deadpool as pooled;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::{PgConfig, Unavailable, roles};

/// A transaction may take this many times the time-out of one statement.
const STATEMENTS_PER_TRANSACTION: u32 = 3;

/// A connection on loan from the pool.
pub type Connection = pooled::Object<AsyncPgConnection>;

type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// Connections of one service. Clones share them; none is opened before it is needed.
///
/// There are two kinds of them, when the service has a role of its own: those of the service, and those on which only the rows of one
/// account are there at a time (row-level security). The latter take the account's name for granted as little as anybody: it is said on
/// each loan, in front of the first statement and without a round trip of its own.
#[derive(Clone)]
pub struct Pool {
    connections: pooled::Pool<AsyncPgConnection>,
    /// The role sees the rows of an account only.
    of_accounts: pooled::Pool<AsyncPgConnection>,
    transaction_deadline: Duration,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.connections.status()).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool for the service that owns this schema.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn new(config: &PgConfig, schema: &'static str) -> Result<Self, Unavailable> {
        let connections = open(config, schema)?;
        let of_accounts = match &config.role {
            None => connections.clone(),
            Some(role) => {
                let role = Some(roles::of_accounts(role));
                open(&PgConfig { role, ..config.clone() }, schema)?
            }
        };
        Ok(Self {
            connections,
            of_accounts,
            transaction_deadline: config.timeout() * STATEMENTS_PER_TRANSACTION,
        })
    }

    /// A connection, for reading. Waits for a free one, but not for ever.
    ///
    /// # Errors
    /// When the database is away or all connections stay busy.
    pub async fn get(&self) -> Result<Connection, Unavailable> {
        lend(&self.connections).await
    }

    /// The same for what is done on behalf of an account: no row of another one is there.
    ///
    /// # Errors
    /// As [`Pool::get`].
    pub async fn of(&self, account: &Uuid) -> Result<Connection, Unavailable> {
        let connection = lend(&self.of_accounts).await?;
        name(&connection, account).await?;
        Ok(connection)
    }

    /// Runs `work` as one transaction: committed when it gives `Ok`, rolled back otherwise. It runs in a task of its
    /// own, so it ends one way or the other even when the caller goes away.
    ///
    /// # Errors
    /// What `work` gives, or [`Unavailable`]; then it may have been committed.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<diesel::result::Error> + From<Unavailable> + Send + 'static,
    {
        self.run_on(None, work).await
    }

    /// The same on behalf of an account: no row of another one is there, and none can be made.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub async fn run_of<T, E, F>(&self, account: Uuid, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<diesel::result::Error> + From<Unavailable> + Send + 'static,
    {
        self.run_on(Some(account), work).await
    }

    async fn run_on<T, E, F>(&self, account: Option<Uuid>, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<diesel::result::Error> + From<Unavailable> + Send + 'static,
    {
        let pool = self.clone();
        let task = async move {
            let mut connection = match &account {
                None => pool.get().await?,
                Some(account) => pool.of(account).await?,
            };
            let transaction = transact(&mut connection, work);
            if let Ok(result) = tokio::time::timeout(pool.transaction_deadline, transaction).await {
                result
            } else {
                // It is somewhere in the middle: never to be used again.
                drop(pooled::Object::take(connection));
                Err(Unavailable::because("the transaction took too long").into())
            }
        };
        match tokio::spawn(task).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "a transaction panicked and was rolled back");
                Err(Unavailable::because("the transaction failed by a fault of Turnloom").into())
            }
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check(&self) -> Result<(), Unavailable> {
        let mut connection = self.get().await?;
        connection
            .batch_execute("SELECT 1")
            .await
            .map_err(|error| Unavailable::new("the database does not answer", &error))
    }
}

/// Connections with these settings.
fn open(config: &PgConfig, schema: &str) -> Result<pooled::Pool<AsyncPgConnection>, Unavailable> {
    let driver = config.driver(schema)?;
    let mut manager = ManagerConfig::<AsyncPgConnection>::default();
    // A connection that is closed is known to be, so no question before each use: it cost more than most reads.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |_| {
        let driver = driver.clone();
        async move {
            let (client, connection) = driver
                .connect(NoTls)
                .await
                .map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
    pooled::Pool::builder(manager)
        .max_size(config.database_connections as usize)
        // The connection that was used last has everything at hand: its plans, its catalog, its part of the processor's caches.
        .queue_mode(deadpool::managed::QueueMode::Lifo)
        .runtime(deadpool::Runtime::Tokio1)
        .wait_timeout(Some(config.timeout()))
        .create_timeout(Some(config.timeout()))
        .recycle_timeout(Some(config.timeout()))
        .build()
        .map_err(|error| Unavailable::new("the pool cannot be built", &error))
}

async fn lend(connections: &pooled::Pool<AsyncPgConnection>) -> Result<Connection, Unavailable> {
    connections.get().await.map_err(|error| {
        metrics::counter!("turnloom_database_unavailable_total").increment(1);
        Unavailable::new("no connection", &error)
    })
}

/// Says on behalf of whom the next statements are. The statement is handed to the connection by the first poll, so it is in front of all that
/// come after; nobody waits for its answer, which can only be that the connection is lost, as they are told, too.
async fn name(connection: &AsyncPgConnection, account: &Uuid) -> Result<(), Unavailable> {
    let statement = format!("SET turnloom.account = '{}'", account.as_hyphenated());
    let mut on = connection;
    let mut saying = pin!(on.batch_execute(&statement));
    match futures::poll!(saying.as_mut()) {
        Poll::Ready(Err(error)) => Err(Unavailable::new("no connection", &error)),
        Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
    }
}

async fn transact<T, E, F>(connection: &mut AsyncPgConnection, work: F) -> Result<T, E>
where
    F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>> + Send,
    E: From<diesel::result::Error>,
{
    Manager::begin_transaction(connection).await?;
    match work(connection).await {
        Ok(value) => {
            Manager::commit_transaction(connection).await?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to tell; a connection that cannot roll back is broken and not used again.
            Manager::rollback_transaction(connection).await.ok();
            Err(error)
        }
    }
}
