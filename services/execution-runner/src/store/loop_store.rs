//! The partition loop's store: one connection, made again when it breaks, every call bounded in time.

use std::time::Duration;

use contracts::v1;
use flow_model::ExecutionId;
use pg::PgConfig;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::Client;
use uuid::Uuid;

use super::changes::Prepared;
use super::slices::{EXECUTIONS, MESSAGE_KEYS, NOTES, Slices};
use super::{SCHEMA, commit, conversations, due, lease, load};
use crate::partition::port::{
    CatalogEntry, Commit, Due, Loaded, OutboxKey, OutboxRow, Ownership, Renewal, Store, StoreError, Tenure,
    Unavailable, Wanted,
};

/// A call that takes longer has failed, and its connection with it.
const DEADLINE: Duration = Duration::from_secs(10);

/// Every statement of the loop finds its rows by key, and is planned once. Left to guess about tables that it has not looked at
/// yet, the planner reads them as a whole: 10 ms for a batch's conversations among 10,000, which their index finds in 0.3 ms.
const PLANS: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
SET plan_cache_mode = force_generic_plan";

/// PostgreSQL as the partition loop sees it.
pub struct PgStore {
    config: PgConfig,
    group: u32,
    deduplication_ms: i64,
    connected: Mutex<Option<Connected>>,
}

struct Connected {
    client: Client,
    prepared: Prepared,
    load: load::Statements,
    due: due::Statements,
    slices: Slices,
}

impl Connected {
    async fn open(config: &PgConfig) -> Result<Self, Unavailable> {
        let client = pg::raw::connect(config, SCHEMA).await.map_err(away)?;
        client.batch_execute(PLANS).await.map_err(away)?;
        let load = load::Statements::prepare(&client).await.map_err(away)?;
        let due = due::Statements::prepare(&client).await.map_err(away)?;
        Ok(Self { client, prepared: Prepared::default(), load, due, slices: Slices::default() })
    }

    /// Makes the slices that a commit's rows fall in.
    async fn make_room(&mut self, commit: &Commit) -> Result<(), tokio_postgres::Error> {
        let executions = commit.executions.iter().map(|(_, execution)| execution.started_at_ms);
        self.slices.ensure(&self.client, EXECUTIONS, executions).await?;
        let messages = commit.messages.iter().map(|message| message.accepted_at_ms);
        self.slices.ensure(&self.client, MESSAGE_KEYS, messages).await?;
        let notes = commit.notes.iter().map(|(_, entry)| conversations::noted_at_ms(entry));
        self.slices.ensure(&self.client, NOTES, notes).await
    }
}

impl PgStore {
    /// The store of one group. Connects when it is first used.
    pub fn new(config: PgConfig, group: u32, deduplication_days: u32) -> Self {
        let deduplication_ms = load::deduplication_ms(deduplication_days);
        Self { config, group, deduplication_ms, connected: Mutex::new(None) }
    }

    /// Runs a call on the connection. After a failure the connection is not used again: what was sent on it may be
    /// half done.
    async fn with<T, E, F>(&self, call: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Connected) -> Result<T, E>,
        E: From<Unavailable>,
    {
        let mut slot = self.connected.lock().await;
        let bounded = tokio::time::timeout(DEADLINE, async {
            let connected = connected(&self.config, &mut slot).await?;
            call(connected).await
        });
        let result =
            bounded.await.unwrap_or_else(|_| Err(Unavailable("the database is too slow".to_owned()).into()));
        if result.is_err() {
            *slot = None;
        }
        result
    }
}

async fn connected<'a>(
    config: &PgConfig,
    slot: &'a mut MutexGuard<'_, Option<Connected>>,
) -> Result<&'a mut Connected, Unavailable> {
    if slot.as_ref().is_none_or(|connected| connected.client.is_closed()) {
        **slot = Some(Connected::open(config).await?);
    }
    slot.as_mut().ok_or_else(|| Unavailable("not connected".to_owned()))
}

fn away(error: impl std::error::Error) -> Unavailable {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    Unavailable(text)
}

impl From<Unavailable> for StoreError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

fn refused_or_away(error: tokio_postgres::Error) -> StoreError {
    // The slice was known and is dropped. The row is not to blame: the next connection knows none, and makes it again.
    if pg::slices::has_no_slice(&error) {
        return away(error).into();
    }
    commit::refusal(&error).unwrap_or_else(|| away(error).into())
}

impl Store for PgStore {
    async fn renew(&self, renewal: &Renewal) -> Result<Tenure, Unavailable> {
        self.with(async |on| lease::renew(&mut on.client, renewal).await.map_err(away)).await
    }

    async fn release(&self, renewal: &Renewal) -> Result<(), Unavailable> {
        self.with(async |on| lease::release(&mut on.client, renewal).await.map_err(away)).await
    }

    async fn load(&self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        self.with(async |on| {
            load::load(&on.client, &on.load, wanted, self.deduplication_ms).await.map_err(refused_or_away)
        })
        .await
    }

    async fn executions(&self, ids: &[ExecutionId]) -> Result<Vec<v1::Execution>, Unavailable> {
        self.with(async |on| load::executions(&on.client, &on.load, ids).await.map_err(away)).await
    }

    async fn begin(&self, ownership: &Ownership, counts: bool) -> Result<u32, StoreError> {
        self.with(async |on| {
            let tries = lease::begin(&on.client, ownership, counts).await.map_err(away)?;
            tries.ok_or(StoreError::Fenced)
        })
        .await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        if commit.is_nobodys() {
            return Err(StoreError::Fenced);
        }
        self.with(async |on| {
            on.make_room(commit).await.map_err(refused_or_away)?;
            commit::write(&on.client, &mut on.prepared, self.group, commit).await.map_err(refused_or_away)
        })
        .await
    }

    async fn untold(
        &self,
        told: &[OutboxKey],
        after: OutboxKey,
        rows_max: u32,
    ) -> Result<Vec<OutboxRow>, Unavailable> {
        self.with(async |on| load::untold(&on.client, &on.load, told, after, rows_max).await.map_err(away))
            .await
    }

    async fn keep_told(&self, owned: &[Ownership]) -> Result<(), Unavailable> {
        self.with(async |on| lease::keep_told(&on.client, owned).await.map_err(away)).await
    }

    async fn due(&self, partitions: &[u32], now_ms: i64) -> Result<Due, Unavailable> {
        self.with(async |on| due::due(&on.client, &on.due, partitions, now_ms).await.map_err(away)).await
    }

    async fn postpone(&self, activities: &[(Uuid, i64)]) -> Result<(), Unavailable> {
        self.with(async |on| due::postpone(&on.client, &on.due, activities).await.map_err(away)).await
    }

    async fn catalog(&self, group: u32, incarnation: i64) -> Result<Vec<CatalogEntry>, Unavailable> {
        self.with(async |on| load::catalog(&on.client, &on.load, group, incarnation).await.map_err(away))
            .await
    }
}
