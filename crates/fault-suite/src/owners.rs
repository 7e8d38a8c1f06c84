//! Who owns the partitions, watched all the time: how long those of a dead runner stay without a living owner.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::database;
use crate::failure::Failure;
use crate::fleet::Lives;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pause before a lost connection is made again.
const PAUSE: Duration = Duration::from_millis(200);

/// The watcher. It ends with this value.
pub struct Owners {
    took: Arc<Mutex<Vec<Duration>>>,
    watching: JoinHandle<()>,
}

impl Drop for Owners {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Owners {
    /// Begins to watch the database of this address.
    pub fn watch(url: String, lives: Lives) -> Self {
        let took = Arc::new(Mutex::new(Vec::new()));
        let watching = tokio::spawn(watch(url, lives, Arc::clone(&took)));
        Self { took, watching }
    }

    /// For each partition that was taken over: from the death of its owner until another one that lives had it.
    pub fn took(&self) -> Vec<Duration> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn watch(url: String, lives: Lives, took: Arc<Mutex<Vec<Duration>>>) {
    let mut orphans: HashMap<i32, Instant> = HashMap::new();
    loop {
        if let Ok(client) = database::connect(&url).await {
            while let Ok(owners) = owners(&client).await {
                for (partition, name) in owners {
                    if lives.lives(&name) {
                        if let Some(since) = orphans.remove(&partition) {
                            took.lock().unwrap_or_else(PoisonError::into_inner).push(since.elapsed());
                        }
                    } else if let Some(died) = lives.died(&name) {
                        orphans.entry(partition).or_insert(died);
                    }
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The names of the partitions' owners; empty where there is none.
async fn owners(client: &Client) -> Result<Vec<(i32, String)>, Failure> {
    let rows = client
        .query(
            "SELECT p.id, coalesce(r.name, '') FROM runner.partitions p LEFT JOIN runner.runners r ON r.id = p.owner AND r.grp = p.grp",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// How many partitions each living runner has, and how many nobody who lives has.
///
/// # Errors
/// When the database does not answer.
pub async fn shares(client: &Client, lives: &Lives) -> Result<(BTreeMap<String, usize>, usize), Failure> {
    let mut shares: BTreeMap<String, usize> = BTreeMap::new();
    let mut nobodys = 0;
    for (_, name) in owners(client).await? {
        if lives.lives(&name) {
            *shares.entry(name).or_default() += 1;
        } else {
            nobodys += 1;
        }
    }
    Ok((shares, nobodys))
}
